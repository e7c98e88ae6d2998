import type { Command } from 'commander';
import { UsageError } from '../client/errors.js';
import { LabelName, parseGoDuration, type Workflow } from '#libs/workflow-spec';
import type { Query } from '../client/api-client.js';
import { WorkflowsApi } from '../client/workflows-api.js';
import { listText } from '../output/list-text.js';
import { objectsText, withKind } from '../output/object-text.js';
import { type CommandContext, contextOf, wholeNumberOf, wordOf } from './context.js';

/** Flags that select workflows, shared by `list`, `delete` and the actions. */
export interface SelectionFlags {
  allNamespaces?: boolean;
  running?: boolean;
  completed?: boolean;
  resubmitted?: boolean;
  status?: string[];
  prefix?: string;
  since?: string;
  older?: string;
  selector?: string;
  fieldSelector?: string;
}

export const withSelectionFlags = (command: Command): Command =>
  command
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('--running', 'only those that run')
    .option('--completed', 'only those that have finished')
    .option('--resubmitted', 'only those that were resubmitted')
    .option('--status <phase>', 'only those in these phases; comma-separated', (value: string, before: string[] = []) => [
      ...before,
      ...value.split(','),
    ])
    .option('--prefix <prefix>', 'only those whose name begins with it')
    .option('--since <duration>', 'only those younger than this, for example 1h')
    .option('--older <duration>', 'only those that finished longer ago than this, for example 10h')
    .option('-l, --selector <selector>', 'label selector, for example team=red')
    .option('--field-selector <selector>', 'field selector, for example metadata.name=x');

/** `1h`, `30m`, and days as Argo's CLI has them (`7d`), in milliseconds. Throws UsageError naming the flag. */
export const durationMs = (flag: string, text: string): number => {
  const days = /^(\d+)d$/.exec(text);
  if (days) return Number(days[1]) * 86_400_000;
  try {
    return parseGoDuration(text);
  } catch {
    throw new UsageError(`${flag} takes a duration such as 30m, 10h or 7d, not ${text}`);
  }
};

const LABEL = 'workflows.argoproj.io/';

const labelSelectorOf = (flags: SelectionFlags, instanceId: string | undefined): string => {
  const parts = flags.selector ? [flags.selector] : [];
  if (flags.completed) parts.push(`${LABEL}completed=true`);
  if (flags.running) parts.push(`${LABEL}completed!=true`);
  if (flags.resubmitted) parts.push(`${LABEL}resubmitted-from-workflow`);
  if (flags.status?.length) parts.push(`${LABEL}phase in (${flags.status.join(',')})`);
  if (instanceId) parts.push(`${LabelName.controllerInstanceId}=${instanceId}`);
  return parts.join(',');
};

/** A prefix of names is, to the API, the name that fields select, together with a filter that says how to compare it. */
const fieldSelectorOf = ({ fieldSelector, prefix }: SelectionFlags): string | undefined =>
  [fieldSelector, prefix === undefined ? undefined : `metadata.name=${prefix}`].filter(Boolean).join(',') || undefined;

/** The query that the flags say. */
export const queryOf = (flags: SelectionFlags, nowMs: number, instanceId?: string): Query => ({
  'listOptions.labelSelector': labelSelectorOf(flags, instanceId) || undefined,
  'listOptions.fieldSelector': fieldSelectorOf(flags),
  nameFilter: flags.prefix === undefined ? undefined : 'Prefix',
  createdAfter: flags.since === undefined ? undefined : new Date(nowMs - durationMs('--since', flags.since)).toISOString(),
  finishedBefore: flags.older === undefined ? undefined : new Date(nowMs - durationMs('--older', flags.older)).toISOString(),
});

/** All workflows that the flags select, read page by page. */
export const selectWorkflows = async (
  context: CommandContext,
  flags: SelectionFlags,
  reading: { fields?: string; pageSize?: number | undefined } = {},
): Promise<Workflow[]> => {
  const api = new WorkflowsApi(context.client, flags.allNamespaces ? '' : context.namespace);
  const query = { ...queryOf(flags, Date.now(), context.instanceId), fields: reading.fields };
  const selected: Workflow[] = [];
  for await (const workflow of api.list(query, reading.pageSize)) selected.push(workflow);
  return selected;
};

/** Everything that a list shows, without the nodes. */
const FIELDS = ['metadata', 'spec', 'status.phase', 'status.message', 'status.startedAt', 'status.finishedAt', 'status.progress'];
const LIST_FIELDS = ['metadata.continue', ...FIELDS.map((field) => `items.${field}`)].join(',');
const FORMATS = ['name', 'json', 'yaml', 'wide'] as const;

export const addList = (program: Command): void => {
  withSelectionFlags(program.command('list'))
    .description('list workflows, newest first')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`)
    .option('--no-headers', 'without the line of column names')
    .option('--chunk-size <count>', 'workflows per request')
    .addHelpText(
      'after',
      '\nExamples:\n  argosy list --running\n  argosy list -A --since 1d --status Failed,Error\n  argosy list -l team=red -o name',
    )
    .action(async (flags: SelectionFlags & { output?: string; headers: boolean; chunkSize?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output);
      const whole = format === 'json' || format === 'yaml' || format === 'wide';
      const pageSize = wholeNumberOf('--chunk-size', flags.chunkSize);
      const workflows = await selectWorkflows(context, flags, { pageSize, ...(whole ? {} : { fields: LIST_FIELDS }) });
      if (format && format !== 'wide')
        context.out(
          objectsText(
            workflows.map((workflow) => withKind('Workflow', workflow)),
            format,
          ),
        );
      else {
        const options = {
          ...context.style,
          nowMs: Date.now(),
          namespaces: flags.allNamespaces === true,
          wide: format === 'wide',
          headers: flags.headers,
        };
        context.out(listText(workflows, options));
      }
    });
};
