import type { Command } from 'commander';
import { UserError } from '#libs/workflow-spec';
import { objectsText, type ObjectFormat } from '../output/object-text.js';
import { tableText } from '../output/table.js';
import { type CommandContext, contextOf } from './context.js';
import { type ManifestDocument, readManifests } from './manifests.js';
import { WorkflowsApi } from '../client/workflows-api.js';

/** Plural in our API, and whether objects of the kind have a namespace. */
interface KindPlace {
  plural: string;
  namespaced: boolean;
  kind: string;
}

const place = (kind: string, namespaced = true): KindPlace => ({ kind, namespaced, plural: `${kind.toLowerCase()}s` });
const CONFIG_MAP = place('ConfigMap');
const SECRET = place('Secret');
const WORKFLOW_TEMPLATE = place('WorkflowTemplate');
const CLUSTER_WORKFLOW_TEMPLATE = place('ClusterWorkflowTemplate', false);
const CRON_WORKFLOW = place('CronWorkflow');
const EVENT_BINDING = place('WorkflowEventBinding');

/** As kubectl takes them: singular, plural, short names. */
const KINDS: Readonly<Record<string, KindPlace>> = {
  configmap: CONFIG_MAP,
  configmaps: CONFIG_MAP,
  cm: CONFIG_MAP,
  secret: SECRET,
  secrets: SECRET,
  workflowtemplate: WORKFLOW_TEMPLATE,
  workflowtemplates: WORKFLOW_TEMPLATE,
  wftmpl: WORKFLOW_TEMPLATE,
  clusterworkflowtemplate: CLUSTER_WORKFLOW_TEMPLATE,
  clusterworkflowtemplates: CLUSTER_WORKFLOW_TEMPLATE,
  cwft: CLUSTER_WORKFLOW_TEMPLATE,
  cronworkflow: CRON_WORKFLOW,
  cronworkflows: CRON_WORKFLOW,
  cronwf: CRON_WORKFLOW,
  cwf: CRON_WORKFLOW,
  workfloweventbinding: EVENT_BINDING,
  workfloweventbindings: EVENT_BINDING,
  wfeb: EVENT_BINDING,
};

interface StoredObject {
  kind?: string;
  metadata: { name?: string; namespace?: string; creationTimestamp?: string };
}

export const isResourceKind = (word: string): boolean => Object.hasOwn(KINDS, word.toLowerCase());

const kindOf = (word: string): KindPlace => {
  const kind = KINDS[word.toLowerCase()];
  if (!kind)
    throw new UserError(
      `there is no kind ${word}; known are ${[...new Set(Object.values(KINDS).map(({ kind: name }) => name))].join(', ')}`,
    );
  return kind;
};

const pathOf = ({ plural, namespaced }: KindPlace, namespace: string, name?: string): string =>
  [
    '/api/argosy/v1/resources',
    plural,
    namespaced ? encodeURIComponent(namespace) : '-',
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
  ].join('/');

/** Prints the named objects of a kind, or all of the namespace. */
export const showResources = async (
  context: CommandContext,
  what: { kind: string; names: readonly string[]; format: ObjectFormat | undefined },
): Promise<void> => {
  const kind = kindOf(what.kind);
  const objects =
    what.names.length === 0
      ? ((await context.client.get<{ items: StoredObject[] | null }>(pathOf(kind, context.namespace))).items ?? [])
      : await Promise.all(what.names.map((name) => context.client.get<StoredObject>(pathOf(kind, context.namespace, name))));
  if (what.format !== undefined || what.names.length > 0) context.out(objectsText(objects, what.format ?? 'yaml'));
  else context.out(tableText([['NAME'], ...objects.map(({ metadata }) => [metadata.name ?? ''])]));
};

export const deleteResources = async (context: CommandContext, word: string, names: readonly string[]): Promise<void> => {
  const kind = kindOf(word);
  for (const name of names) {
    await context.client.send('DELETE', pathOf(kind, context.namespace, name));
    context.out(`${kind.kind} '${name}' deleted`);
  }
};

const applyOne = async (context: CommandContext, { file, object }: ManifestDocument): Promise<string> => {
  const name = object.metadata?.name;
  const namespace = object.metadata?.namespace ?? context.namespace;
  if (object.kind === 'Workflow') {
    const created = await new WorkflowsApi(context.client, namespace).create(object as never);
    return `workflow/${created.metadata.name} submitted`;
  }
  if (object.kind === undefined) throw new UserError(`${file}: an object has no kind`);
  if (name === undefined) throw new UserError(`${file}: ${object.kind} has no metadata.name`);
  const kind = kindOf(object.kind);
  await context.client.send('PUT', pathOf(kind, namespace, name), object);
  return `${kind.kind.toLowerCase()}/${name} applied`;
};

/** `apply`: what kubectl does for a cluster, for a server without one. */
export const addApply = (program: Command): void => {
  program
    .command('apply')
    .description('create or replace ConfigMaps, Secrets, templates and CronWorkflows; submit Workflows')
    .requiredOption(
      '-f, --filename <file>',
      'YAML or JSON file, - for standard input; may be repeated',
      (value: string, before: string[] = []) => [...before, value],
    )
    .addHelpText('after', '\nExamples:\n  argosy apply -f settings.yaml\n  cat templates.yaml | argosy apply -f -')
    .action(async (flags: { filename: string[] }, command: Command) => {
      const context = contextOf(command);
      for (const document of await readManifests(flags.filename)) context.out(await applyOne(context, document));
    });
};
