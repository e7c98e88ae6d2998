import type { Command } from 'commander';
import { UsageError } from '../client/errors.js';
import {
  applySubmitOptions,
  decodeWorkflow,
  AnnotationName,
  LabelName,
  type SubmitOptions,
  UserError,
  type Workflow,
  type WorkflowPhase,
} from '#libs/workflow-spec';
import { WorkflowsApi } from '../client/workflows-api.js';
import { objectText, OBJECT_FORMATS, withKind } from '../output/object-text.js';
import { collect, type CommandContext, contextOf, wordOf } from './context.js';
import { readManifests, readParameterFile } from './manifests.js';
import { nodeFilterOf, type NodeFilterFlags, withNodeFilterFlags } from './node-filter.js';
import { assertSucceeded, printLogs, type ViewOptions, viewOf, waitForWorkflow, watchWorkflow } from './progress.js';

const FORMATS = [...OBJECT_FORMATS, 'wide'] as const;

export interface SubmitFlags extends NodeFilterFlags {
  from?: string;
  name?: string;
  generateName?: string;
  entrypoint?: string;
  parameter?: string[];
  parameterFile?: string;
  labels?: string;
  annotations?: string;
  serviceaccount?: string;
  priority?: string;
  output?: string;
  watch?: boolean;
  wait?: boolean;
  log?: boolean;
  dryRun?: boolean;
  serverDryRun?: boolean;
  strict?: string;
  scheduledTime?: string;
}

/** Flags that say what to submit, shared by `submit` and `run`. */
export const withSubmitFlags = (command: Command): Command =>
  command
    .option('--name <name>', 'name of the workflow instead of the one in the file')
    .option('--generate-name <prefix>', 'prefix of a generated name')
    .option('--entrypoint <template>', 'template to begin with')
    .option('-p, --parameter <name=value>', 'value of a workflow parameter; may be repeated', collect)
    .option('-f, --parameter-file <file>', 'YAML or JSON file with values of parameters')
    .option('-l, --labels <labels>', 'comma-separated labels, name=value')
    .option('--annotations <annotations>', 'comma-separated annotations, name=value')
    .option('--serviceaccount <name>', 'service account of the pods')
    .option('--priority <number>', 'priority among workflows that wait');

const parameterName = (text: string): string => text.split('=', 1)[0] ?? '';

/** The number of `--priority`. Throws UsageError for what is none. */
export const priorityOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const priority = Number(text);
  if (!Number.isInteger(priority)) throw new UsageError(`--priority takes a whole number, not ${text}`);
  return priority;
};

/** The annotation that makes a run look like that of a schedule: `workflow.scheduledTime` is read from it. */
const scheduledTimeOf = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined;
  if (Number.isNaN(Date.parse(text)) || !/^\d{4}-\d\d-\d\dT/.test(text))
    throw new UsageError(`--scheduled-time takes a time in RFC 3339 form, not ${text}`);
  return `${AnnotationName.scheduledTime}=${text}`;
};

/** The submit options of Argo's API out of the flags. */
export const submitOptionsOf = async (flags: SubmitFlags, instanceId?: string): Promise<SubmitOptions> => {
  const fromFile = flags.parameterFile === undefined ? [] : await readParameterFile(flags.parameterFile);
  const given = flags.parameter ?? [];
  const overridden = new Set(given.map(parameterName));
  const parameters = [...fromFile.filter((text) => !overridden.has(parameterName(text))), ...given];
  const labels = [flags.labels, instanceId && `${LabelName.controllerInstanceId}=${instanceId}`].filter(Boolean).join(',');
  const annotations = [flags.annotations, scheduledTimeOf(flags.scheduledTime)].filter(Boolean).join(',');
  const priority = priorityOf(flags.priority);
  return {
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.generateName === undefined ? {} : { generateName: flags.generateName }),
    ...(flags.entrypoint === undefined ? {} : { entryPoint: flags.entrypoint }),
    ...(labels === '' ? {} : { labels }),
    ...(annotations === '' ? {} : { annotations }),
    ...(flags.serviceaccount === undefined ? {} : { serviceAccount: flags.serviceaccount }),
    ...(priority === undefined ? {} : { priority }),
    ...(parameters.length === 0 ? {} : { parameters }),
  };
};

/** Workflows of the files with the options laid over them. Throws UserError for a document of another kind. */
export const workflowsOf = async (
  files: readonly string[],
  options: SubmitOptions,
  unknownFields: 'refuse' | 'drop' = 'refuse',
): Promise<Workflow[]> => {
  const documents = await readManifests(files);
  return documents.map(({ file, object }) => {
    if (object.kind !== 'Workflow')
      throw new UserError(`${file}: only objects of kind Workflow are submitted, this is ${object.kind ?? 'of no kind'}`);
    const { object: workflow, warnings } = decodeWorkflow(object, { legacy: 'convert', unknownFields });
    // What only a cluster can heed is taken, and said: on standard error, so that `-o` stays clean.
    for (const warning of warnings) process.stderr.write(`warning: ${file}: ${warning}\n`);
    return applySubmitOptions(workflow, options);
  });
};

export const addSubmit = (program: Command): void => {
  withNodeFilterFlags(withSubmitFlags(program.command('submit [files...]')))
    .description('submit workflows from files (- for standard input) or from a template')
    .option('--from <kind/name>', 'submit from a template: workflowtemplate/x, clusterworkflowtemplate/x, cronwf/x')
    .option('--scheduled-time <time>', 'time (RFC 3339) that the run stands for, as if a schedule had made it')
    .option('--strict <yes>', 'false: fields that are not known are left out instead of refused', 'true')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`)
    .option('-w, --wait', 'wait until the workflow has finished; exit code 1 unless it succeeded')
    .option('--watch', 'show the workflow until it has finished; exit code 1 unless it succeeded')
    .option('--log', 'print the logs until the workflow has finished; exit code 1 unless it succeeded')
    .option('--dry-run', 'print what would be submitted')
    .option('--server-dry-run', 'let the server check it without keeping it')
    .addHelpText(
      'after',
      '\nExamples:\n  argosy submit examples/hello-world.yaml --watch\n  argosy submit --from workflowtemplate/build -p branch=main --log\n  cat flow.yaml | argosy submit - -o name',
    )
    .action(async (files: string[], flags: SubmitFlags, command: Command) => {
      const context = contextOf(command);
      const api = new WorkflowsApi(context.client, context.namespace);
      const format = wordOf('--output', FORMATS, flags.output);
      const view: ViewOptions = { hides: nodeFilterOf(flags), format: format === 'wide' ? 'wide' : 'default' };
      const submitted = await submitAll(api, files, { ...flags, options: await submitOptionsOf(flags, context.instanceId) });
      for (const workflow of submitted)
        context.out(
          format && format !== 'wide' ? objectText(withKind('Workflow', workflow), format) : viewOf(workflow, context, view),
        );
      if (!flags.dryRun && !flags.serverDryRun) await followAll(context, submitted, { ...flags, view });
    });
};

const submitAll = async (
  api: WorkflowsApi,
  files: readonly string[],
  { options, ...flags }: SubmitFlags & { options: SubmitOptions },
): Promise<Workflow[]> => {
  if (flags.from !== undefined) {
    if (files.length > 0) throw new UsageError('give files or --from, not both');
    const [kind, name, ...rest] = flags.from.split('/');
    if (!kind || !name || rest.length > 0) throw new UsageError(`--from takes kind/name, not ${flags.from}`);
    return [
      await api.submitFrom(kind, name, { ...options, ...(flags.dryRun || flags.serverDryRun ? { serverDryRun: true } : {}) }),
    ];
  }
  if (files.length === 0) throw new UsageError('nothing to submit: give files, - for standard input, or --from');
  const isStrict = wordOf('--strict', ['true', 'false'] as const, flags.strict) !== 'false';
  const workflows = await workflowsOf(files, options, isStrict ? 'refuse' : 'drop');
  if (flags.dryRun) return workflows;
  const submitted: Workflow[] = [];
  for (const workflow of workflows) submitted.push(await api.create(workflow, flags.serverDryRun));
  return submitted;
};

/** Watches, waits for or logs each workflow, as the flags ask. Throws ExitCodeError where one did not succeed. */
export const followAll = async (
  context: CommandContext,
  workflows: readonly Workflow[],
  flags: { watch?: boolean; wait?: boolean; log?: boolean; view?: ViewOptions },
): Promise<void> => {
  if (!flags.watch && !flags.wait && !flags.log) return;
  const phases: (WorkflowPhase | undefined)[] = [];
  for (const { metadata } of workflows) {
    const api = new WorkflowsApi(context.client, metadata.namespace ?? context.namespace);
    const name = metadata.name ?? '';
    if (flags.log) {
      await printLogs(api, name, { 'logOptions.follow': true, 'logOptions.container': 'main' }, context);
      for await (const workflow of api.follow(name))
        phases[workflows.findIndex((one) => one.metadata.name === name)] = workflow.status?.phase;
    } else if (flags.watch)
      phases.push(await watchWorkflow(api, name, { context, ...(flags.view === undefined ? {} : { view: flags.view }) }));
    else phases.push(await waitForWorkflow(api, name, context));
  }
  assertSucceeded(phases);
};
