import type { Command } from 'commander';
import type { Workflow } from '#libs/workflow-spec';
import { listText } from '../output/list-text.js';
import { objectsText, objectText, OBJECT_FORMATS, withKind } from '../output/object-text.js';
import { addIdentityFlags, ARCHIVE_PATH, type IdentityFlags, uidOf, uidPath } from './archived-workflow.js';
import { collect, contextOf, wordOf } from './context.js';
import { viewOf } from './progress.js';

const UID = '7d1c2b1e-3f3a-4c8e-9a53-0d8c1d0d7a11';
const exampleOf = (rest: string): string => `\nExample:\n  argosy archive ${rest}`;

const addListing = (group: Command): void => {
  group
    .command('list')
    .description('list archived workflows, newest first')
    .addHelpText('after', exampleOf('list --prefix build- -o name'))
    .option('-l, --selector <selector>', 'label selector')
    .option('--prefix <prefix>', 'only names that begin with it')
    .option('--chunk-size <count>', 'workflows per request', '500')
    .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
    .action(async (flags: { selector?: string; prefix?: string; output?: string; chunkSize: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', OBJECT_FORMATS, flags.output);
      const items: Workflow[] = [];
      let next: string | undefined;
      do {
        const page = await context.client.get<{ items: Workflow[] | null; metadata?: { continue?: string } }>(ARCHIVE_PATH, {
          namespace: context.namespace,
          namePrefix: flags.prefix,
          'listOptions.labelSelector': flags.selector,
          'listOptions.limit': flags.chunkSize,
          'listOptions.continue': next,
        });
        items.push(...(page.items ?? []));
        next = page.metadata?.continue || undefined;
      } while (next !== undefined);
      context.out(
        format
          ? objectsText(
              items.map((workflow) => withKind('Workflow', workflow)),
              format,
            )
          : listText(items, { ...context.style, nowMs: Date.now(), namespaces: true, wide: false, headers: true }),
      );
    });
  for (const [name, path] of [
    ['list-label-keys', 'archived-workflows-label-keys'],
    ['list-label-values', 'archived-workflows-label-values'],
  ] as const) {
    group
      .command(name)
      .description(name === 'list-label-keys' ? 'label keys of archived workflows' : 'values of one label of archived workflows')
      .addHelpText('after', exampleOf(name === 'list-label-keys' ? name : `${name} -l team`))
      .option('-l, --selector <key>', 'the label')
      .action(async (flags: { selector?: string }, command: Command) => {
        const context = contextOf(command);
        const { items } = await context.client.get<{ items: string[] | null }>(`/api/v1/${path}`, {
          namespace: context.namespace,
          'listOptions.labelSelector': flags.selector,
        });
        context.out((items ?? []).join('\n'));
      });
  }
};

/** `archive list|get|delete|retry|resubmit|list-label-keys|list-label-values`. */
export const addArchive = (program: Command): void => {
  const group = program
    .command('archive')
    .description('workflows that have finished, as kept in the archive')
    .addHelpText(
      'after',
      '\nExamples:\n  argosy archive list -l team=red\n  argosy archive get 7d1c2b1e-3f3a-4c8e-9a53-0d8c1d0d7a11',
    );
  addListing(group);
  addIdentityFlags(group.command('get <uid-or-name>'))
    .description('show an archived workflow')
    .addHelpText('after', exampleOf(`get ${UID} -o yaml`))
    .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
    .action(async (argument: string, flags: IdentityFlags & { output?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', OBJECT_FORMATS, flags.output);
      const uid = await uidOf(context, argument, flags);
      const workflow = await context.client.get<Workflow>(uidPath(uid), { namespace: context.namespace });
      context.out(format ? objectText(withKind('Workflow', workflow), format) : viewOf(workflow, context));
    });
  addIdentityFlags(group.command('delete <uids-or-names...>'))
    .description('delete workflows from the archive')
    .addHelpText('after', exampleOf(`delete ${UID}`))
    .action(async (identities: string[], flags: IdentityFlags, command: Command) => {
      const context = contextOf(command);
      for (const argument of identities) {
        const uid = await uidOf(context, argument, flags);
        await context.client.send('DELETE', uidPath(uid), undefined, { namespace: context.namespace });
        context.out(`Archived workflow '${uid}' deleted`);
      }
    });
  for (const verb of ['retry', 'resubmit'] as const) addAgain(group, verb);
};

interface AgainFlags extends IdentityFlags {
  parameter?: string[];
  restartSuccessful?: boolean;
  nodeFieldSelector?: string;
  memoized?: boolean;
}

const addAgain = (group: Command, verb: 'retry' | 'resubmit'): void => {
  const command = addIdentityFlags(group.command(`${verb} <uids-or-names...>`))
    .description(
      verb === 'retry'
        ? 'bring archived workflows back and run their failed nodes again'
        : 'submit archived workflows again as new ones',
    )
    .addHelpText('after', exampleOf(`${verb} ${UID}`))
    .option('-p, --parameter <name=value>', 'other value of a parameter; may be repeated', collect);
  if (verb === 'retry') {
    command.option('--restart-successful', 'also nodes that succeeded, as far as --node-field-selector chooses them');
    command.option('--node-field-selector <selector>', 'which successful nodes run again');
  } else command.option('--memoized', 'keep the results of steps that succeeded');
  command.action(async (identities: string[], flags: AgainFlags, self: Command) => {
    const context = contextOf(self);
    const { parameter, uid: isUid, name: isName, ...chosen } = flags;
    const identity = { ...(isUid ? { uid: true } : {}), ...(isName ? { name: true } : {}) };
    for (const argument of identities) {
      const uid = await uidOf(context, argument, identity);
      const body = { uid, namespace: context.namespace, parameters: parameter, ...chosen };
      context.out(viewOf(await context.client.send<Workflow>('PUT', `${uidPath(uid)}/${verb}`, body), context));
    }
  });
};
