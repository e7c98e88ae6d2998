import type { Command } from 'commander';
import { UserError } from '#libs/workflow-spec';
import { UsageError } from '../client/errors.js';
import { objectsText, objectText, OBJECT_FORMATS, withKind } from '../output/object-text.js';
import { tableText } from '../output/table.js';
import { type CronObject, cronTable, cronText } from '../output/cron-text.js';
import { type CommandContext, contextOf, wordOf } from './context.js';
import { addCronVerbs } from './cron.js';
import { readManifests } from './manifests.js';

type Stored = CronObject;

/** One family of commands over a kind that the API keeps. */
interface Family {
  command: string;
  kind: string;
  description: string;
  /** Path of the collection in a namespace. */
  path: (namespace: string) => string;
  /** Name of the object in the bodies of the API. */
  field: string;
  cron?: boolean;
}

const FAMILIES: readonly Family[] = [
  {
    command: 'template',
    kind: 'WorkflowTemplate',
    description: 'WorkflowTemplates',
    path: (namespace) => `/api/v1/workflow-templates/${encodeURIComponent(namespace)}`,
    field: 'template',
  },
  {
    command: 'cluster-template',
    kind: 'ClusterWorkflowTemplate',
    description: 'ClusterWorkflowTemplates',
    path: () => '/api/v1/cluster-workflow-templates',
    field: 'template',
  },
  {
    command: 'cron',
    kind: 'CronWorkflow',
    description: 'CronWorkflows',
    path: (namespace) => `/api/v1/cron-workflows/${encodeURIComponent(namespace)}`,
    field: 'cronWorkflow',
    cron: true,
  },
];

const objectsOf = async (family: Family, files: readonly string[]): Promise<(Stored & Record<string, unknown>)[]> => {
  const documents = await readManifests(files);
  const objects = documents
    .filter(({ object }) => object.kind === family.kind)
    .map(({ object }) => object as unknown as Stored & Record<string, unknown>);
  if (objects.length === 0) throw new UserError(`there is no ${family.kind} in ${files.join(', ')}`);
  return objects;
};

const nameOf = (object: Stored): string => object.metadata.name ?? '';
const namespaceOf = (object: Stored, context: CommandContext): string => object.metadata.namespace ?? context.namespace;

const exampleOf = (family: Family, rest: string): string => `\nExample:\n  argosy ${family.command} ${rest}`;

const addWriters = (group: Command, family: Family): void => {
  const write = (
    verb: 'create' | 'update' | 'lint',
    description: string,
    send: (context: CommandContext, object: Stored) => Promise<Stored>,
  ): void => {
    group
      .command(`${verb} <files...>`)
      .description(description)
      .addHelpText('after', exampleOf(family, `${verb} file.yaml`))
      .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
      .action(async (files: string[], flags: { output?: string }, command: Command) => {
        const context = contextOf(command);
        const format = wordOf('--output', OBJECT_FORMATS, flags.output);
        for (const object of await objectsOf(family, files)) {
          const answer = await send(context, object);
          if (verb === 'lint') context.out(`✔ ${nameOf(object)}`);
          else context.out(format ? objectText(answer, format) : `${family.kind} ${nameOf(answer)} ${verb}d`);
        }
      });
  };
  const body = (object: Stored): Record<string, unknown> => ({ [family.field]: object });
  write('create', `create ${family.description} from files`, (context, object) =>
    context.client.send('POST', family.path(namespaceOf(object, context)), body(object)),
  );
  write('update', `replace ${family.description} by those of files`, (context, object) =>
    context.client.send(
      'PUT',
      `${family.path(namespaceOf(object, context))}/${encodeURIComponent(nameOf(object))}`,
      body(object),
    ),
  );
  write('lint', `check ${family.description}`, (context, object) =>
    context.client.send('POST', `${family.path(namespaceOf(object, context))}/lint`, body(object)),
  );
};

const addReaders = (group: Command, family: Family): void => {
  group
    .command('get <names...>')
    .description(`show ${family.description}`)
    .addHelpText('after', exampleOf(family, 'get my-name -o yaml'))
    .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
    .action(async (names: string[], flags: { output?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', OBJECT_FORMATS, flags.output) ?? (family.cron ? undefined : 'yaml');
      const objects = await Promise.all(
        names.map((name) => context.client.get<Stored>(`${family.path(context.namespace)}/${encodeURIComponent(name)}`)),
      );
      context.out(
        format === undefined
          ? objects.map((object) => cronText(object, Date.now())).join('\n\n')
          : objectsText(
              objects.map((object) => withKind(family.kind, object)),
              format,
            ),
      );
    });
  group
    .command('list')
    .description(`list ${family.description}`)
    .addHelpText('after', exampleOf(family, 'list -l team=red'))
    .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('-l, --selector <selector>', 'only those with these labels')
    .action(async (flags: { output?: string; selector?: string; allNamespaces?: boolean }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', OBJECT_FORMATS, flags.output);
      const { items } = await context.client.get<{ items: Stored[] | null }>(
        family.path(flags.allNamespaces ? '' : context.namespace),
        { 'listOptions.labelSelector': flags.selector },
      );
      context.out(
        format
          ? objectsText(
              (items ?? []).map((object) => withKind(family.kind, object)),
              format,
            )
          : family.cron
            ? cronTable(items ?? [], Date.now())
            : tableText([['NAME'], ...(items ?? []).map((object) => [nameOf(object)])]),
      );
    });
  group
    .command('delete [names...]')
    .description(`delete ${family.description}`)
    .addHelpText('after', exampleOf(family, 'delete my-name'))
    .option('--all', 'all of the namespace')
    .action(async (names: string[], flags: { all?: boolean }, command: Command) => {
      const context = contextOf(command);
      if (names.length === 0 && !flags.all) throw new UsageError('give names or --all');
      const targets = flags.all
        ? ((await context.client.get<{ items: Stored[] | null }>(family.path(context.namespace))).items ?? []).map(nameOf)
        : names;
      for (const name of targets) {
        await context.client.send('DELETE', `${family.path(context.namespace)}/${encodeURIComponent(name)}`);
        context.out(`${family.kind} '${name}' deleted`);
      }
    });
};

/** `template …`, `cluster-template …`, `cron …`. */
export const addTemplates = (program: Command): void => {
  for (const family of FAMILIES) {
    const group = program
      .command(family.command)
      .description(`create, get, list, update, delete and lint ${family.description}`)
      .addHelpText('after', `\nExamples:\n  argosy ${family.command} create file.yaml\n  argosy ${family.command} list`);
    addWriters(group, family);
    addReaders(group, family);
    if (family.cron) addCronVerbs(group, family.path);
  }
};
