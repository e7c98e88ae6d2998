import type { Command } from 'commander';
import type { CronWorkflow } from '#libs/workflow-spec';
import { backfillRuns, runBackfill } from './backfill.js';
import { contextOf, wholeNumberOf } from './context.js';

type PathOf = (namespace: string) => string;

/** RFC 1123 as Go writes the form of a time. */
const RFC_1123 = 'Mon, 02 Jan 2006 15:04:05 MST';
const MOST_RUNS = 1000;

interface BackfillFlags {
  start: string;
  end: string;
  name?: string;
  argname: string;
  format: string;
  parallel: string | boolean;
  maxworkflowcount: string;
}

const addSwitches = (group: Command, path: PathOf): void => {
  for (const verb of ['suspend', 'resume'] as const) {
    group
      .command(`${verb} <names...>`)
      .description(`${verb} CronWorkflows`)
      .addHelpText('after', `\nExample:\n  argosy cron ${verb} my-name`)
      .action(async (names: string[], _flags: unknown, command: Command) => {
        const context = contextOf(command);
        for (const name of names) {
          await context.client.send('PUT', `${path(context.namespace)}/${encodeURIComponent(name)}/${verb}`, {
            name,
            namespace: context.namespace,
          });
          context.out(`CronWorkflow '${name}' ${verb === 'suspend' ? 'suspended' : 'resumed'}`);
        }
      });
  }
};

const addBackfill = (group: Command, path: PathOf): void => {
  group
    .command('backfill <name>')
    .description(
      "run a CronWorkflow for ticks of the past, each in a workflow of its own; a run that is there already isn't repeated",
    )
    .addHelpText(
      'after',
      '\nExample:\n  argosy cron backfill daily --start 2024-05-01 --end 2024-05-31 --argname date --format 2006-01-02',
    )
    .requiredOption('--start <time>', 'first tick, in the form of --format, as RFC 3339 or as a date')
    .requiredOption('--end <time>', 'last tick, likewise')
    .option('--name <name>', 'name of this backfill, in the names and in the label of its workflows')
    .option('--argname <parameter>', 'parameter that gets the time of the tick', 'cronScheduleTime')
    .option('--format <layout>', "form of that time, as Go's reference time", RFC_1123)
    .option(
      '--parallel [yes]',
      'all at once; with --parallel=false one after another, each when the one before has ended',
      'true',
    )
    .option('--maxworkflowcount <count>', 'most workflows', String(MOST_RUNS))
    .action(async (name: string, flags: BackfillFlags, command: Command) => {
      const context = contextOf(command);
      const cron = await context.client.get<CronWorkflow>(`${path(context.namespace)}/${encodeURIComponent(name)}`);
      const runs = backfillRuns(cron, {
        ...flags,
        maxCount: wholeNumberOf('--maxworkflowcount', flags.maxworkflowcount) ?? MOST_RUNS,
      });
      await runBackfill(context, runs, { parallel: String(flags.parallel) !== 'false' });
    });
};

/** What only CronWorkflows have: `suspend`, `resume`, `backfill`. */
export const addCronVerbs = (group: Command, path: PathOf): void => {
  addSwitches(group, path);
  addBackfill(group, path);
};
