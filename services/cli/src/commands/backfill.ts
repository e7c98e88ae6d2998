import { ExpressionError, formatTime, GoTime, nextTick, parseTime, schedulesOf } from '#libs/expressions';
import { type CronWorkflow, LabelName, type Workflow, workflowFromCron } from '#libs/workflow-spec';
import { ApiClientError, UsageError } from '../client/errors.js';
import { WorkflowsApi } from '../client/workflows-api.js';
import { type CommandContext, ExitCodeError } from './context.js';

export interface BackfillOptions {
  /** In the form of `format`, as RFC 3339 or as a date. */
  start: string;
  end: string;
  name?: string;
  /** Parameter that gets the time of the tick. */
  argname: string;
  /** Form of that time as Go's reference time. */
  format: string;
  maxCount: number;
}

const FORMS = ['2006-01-02T15:04:05Z07:00', '2006-01-02'];

/** A time in the zone of the schedule where it names none itself. Throws UsageError. */
const timeOf = (flag: string, text: string, options: { format: string; zone: string }): number => {
  for (const layout of [options.format, ...FORMS]) {
    const time = parseTime(layout, text, options.zone);
    if (!(time instanceof ExpressionError)) return Number(time.unixNs / 1_000_000n);
  }
  throw new UsageError(`${flag} takes a time such as 2024-05-01, 2024-05-01T10:00:00Z or in the form of --format, not ${text}`);
};

const parameterOf = (workflow: Workflow, name: string, value: string): Workflow => {
  const others = (workflow.spec.arguments?.parameters ?? []).filter((parameter) => parameter.name !== name);
  return {
    ...workflow,
    spec: { ...workflow.spec, arguments: { ...workflow.spec.arguments, parameters: [...others, { name, value }] } },
  };
};

/**
 * A workflow for each tick from `start` to `end`, both included: the CronWorkflow's spec with the time of the tick as a parameter, named
 * after CronWorkflow, backfill and tick, so that repeating a backfill makes only what is missing. They carry the label of the backfill and not
 * that of the CronWorkflow: history limits and concurrency policies are about its own runs. Throws UsageError for unusable flags.
 */
export const backfillRuns = (cron: CronWorkflow, options: BackfillOptions): Workflow[] => {
  const { timezone } = cron.spec;
  const zone = timezone === undefined || timezone === '' ? 'UTC' : timezone;
  const startMs = timeOf('--start', options.start, { format: options.format, zone });
  const endMs = timeOf('--end', options.end, { format: options.format, zone });
  if (endMs < startMs) throw new UsageError('--end is before --start');
  const cronName = cron.metadata.name ?? '';
  const backfill = options.name ?? `${cronName}-backfill`;
  const schedules = schedulesOf(cron.spec);
  const runs: Workflow[] = [];
  for (
    let at = nextTick(schedules, startMs - 1, startMs);
    at !== undefined && at <= endMs;
    at = nextTick(schedules, at, startMs)
  ) {
    if (runs.length === options.maxCount)
      throw new UsageError(`from --start to --end are more than ${options.maxCount} ticks; raise --maxworkflowcount`);
    const { metadata, ...workflow } = workflowFromCron(cron, at);
    const { generateName: _generateName, ownerReferences: _owners, labels, ...given } = metadata;
    const { [LabelName.cronWorkflow]: _cron, ...kept } = labels ?? {};
    const named = {
      ...workflow,
      metadata: { ...given, name: `${backfill}-${Math.floor(at / 1000)}`, labels: { ...kept, [LabelName.backfill]: backfill } },
    };
    const value = formatTime(new GoTime(BigInt(at) * 1_000_000n, zone), options.format);
    runs.push(parameterOf(named, options.argname, value));
  }
  return runs;
};

const isTaken = (error: unknown): boolean => error instanceof ApiClientError && error.httpStatus === 409;

/** Submits the runs, all at once or each when the one before has ended. Ends with 1 where one that was waited for did not succeed. */
export const runBackfill = async (
  context: CommandContext,
  runs: readonly Workflow[],
  { parallel }: { parallel: boolean },
): Promise<void> => {
  const workflows = new WorkflowsApi(context.client, context.namespace);
  if (runs.length === 0) context.out('no tick of the schedules is in that time');
  for (const run of runs) {
    const name = run.metadata.name ?? '';
    try {
      await workflows.create(run);
      context.out(`${name} submitted`);
    } catch (error) {
      if (!isTaken(error)) throw error;
      context.out(`${name} is there already`);
    }
    if (!parallel) await waitFor(context, workflows, name);
  }
};

const waitFor = async (context: CommandContext, workflows: WorkflowsApi, name: string): Promise<void> => {
  let phase: string | undefined;
  for await (const workflow of workflows.follow(name)) phase = workflow.status?.phase;
  context.out(`${name} ${phase ?? 'is gone'}`);
  if (phase !== 'Succeeded') throw new ExitCodeError(1);
};
