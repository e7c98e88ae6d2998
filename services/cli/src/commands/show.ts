import type { Command } from 'commander';
import { WorkflowsApi } from '../client/workflows-api.js';
import { objectText, withKind } from '../output/object-text.js';
import { workflowText } from '../output/workflow-text.js';
import { contextOf, wordOf } from './context.js';
import { nodeFilterOf, type NodeFilterFlags, withNodeFilterFlags } from './node-filter.js';
import { assertSucceeded, printLogs, waitForWorkflow, watchWorkflow } from './progress.js';
import { durationMs } from './list.js';
import { isResourceKind, showResources } from './resources.js';

const FORMATS = ['name', 'json', 'yaml', 'short', 'wide'] as const;

const addGet = (program: Command): void => {
  withNodeFilterFlags(program.command('get [names...]'))
    .description('show workflows (@latest: the newest), or KIND NAME: a ConfigMap, Secret, template or CronWorkflow')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n  argosy get @latest\n  argosy get my-workflow -o yaml\n  argosy get configmap my-settings',
    )
    .action(async (names: string[], flags: NodeFilterFlags & { output?: string }, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output);
      const [kind, ...rest] = names;
      if (kind !== undefined && isResourceKind(kind))
        return showResources(context, {
          kind,
          names: rest,
          format: format === 'short' || format === 'wide' ? undefined : format,
        });
      const api = new WorkflowsApi(context.client, context.namespace);
      for (const name of names.length === 0 ? ['@latest'] : names) {
        const workflow = await api.get(name);
        if (format === 'name' || format === 'json' || format === 'yaml')
          context.out(objectText(withKind('Workflow', workflow), format));
        else
          context.out(
            workflowText(workflow, {
              ...context.style,
              nowMs: Date.now(),
              format: format ?? 'default',
              hides: nodeFilterOf(flags),
            }),
          );
      }
    });
};

const addWatch = (program: Command): void => {
  withNodeFilterFlags(program.command('watch <name>'))
    .description('show a workflow until it has finished')
    .addHelpText('after', '\nExample:\n  argosy watch @latest')
    .action(async (name: string, flags: NodeFilterFlags, command: Command) => {
      const context = contextOf(command);
      const view = { hides: nodeFilterOf(flags) };
      await watchWorkflow(new WorkflowsApi(context.client, context.namespace), name, { context, view });
    });
};

const addWait = (program: Command): void => {
  program
    .command('wait <names...>')
    .description('wait until workflows have finished; exit code 1 unless all succeeded')
    .option('--ignore-not-found', 'a workflow that is not there counts as succeeded')
    .addHelpText('after', '\nExample:\n  argosy wait build-1 build-2')
    .action(async (names: string[], flags: { ignoreNotFound?: boolean }, command: Command) => {
      const context = contextOf(command);
      const api = new WorkflowsApi(context.client, context.namespace);
      const phases = await Promise.all(
        names.map(async (name) => {
          try {
            return await waitForWorkflow(api, name, context);
          } catch (error) {
            if (flags.ignoreNotFound && (error as { httpStatus?: number }).httpStatus === 404) return 'Succeeded' as const;
            throw error;
          }
        }),
      );
      assertSucceeded(phases);
    });
};

interface LogFlags {
  follow?: boolean;
  container?: string;
  grep?: string;
  tail?: string;
  since?: string;
  sinceTime?: string;
  selector?: string;
  timestamps?: boolean;
  previous?: boolean;
}

const addLogs = (program: Command): void => {
  program
    .command('logs <name> [pod]')
    .description('print the logs of a workflow, or of one of its pods')
    .option('-f, --follow', 'go on until the workflow has finished')
    .option('-c, --container <name>', 'container: main where none is named; several with commas between them, * for all')
    .option('--grep <pattern>', 'only lines that match the regular expression')
    .option('--tail <lines>', 'only the last lines')
    .option('--since <duration>', 'only lines younger than this, for example 5m')
    .option('--since-time <time>', 'only lines after this time (RFC 3339)')
    .option('-l, --selector <selector>', 'only pods with these labels')
    .option('--timestamps', 'the time before each line')
    .option('-p, --previous', 'the pod that was there before the present one of the same step')
    .addHelpText('after', '\nExamples:\n  argosy logs @latest -f\n  argosy logs my-workflow --grep error --tail 100')
    .action(async (name: string, pod: string | undefined, flags: LogFlags, command: Command) => {
      const context = contextOf(command);
      const query = {
        podName: pod,
        grep: flags.grep,
        selector: flags.selector,
        'logOptions.container': flags.container,
        'logOptions.follow': flags.follow,
        'logOptions.tailLines': flags.tail,
        'logOptions.sinceTime': flags.sinceTime,
        'logOptions.timestamps': flags.timestamps,
        'logOptions.previous': flags.previous,
        'logOptions.sinceSeconds': flags.since === undefined ? undefined : Math.round(durationMs('--since', flags.since) / 1000),
      };
      await printLogs(new WorkflowsApi(context.client, context.namespace), name, query, context);
    });
};

/** `get`, `watch`, `wait`, `logs`. */
export const addShow = (program: Command): void => {
  addGet(program);
  addWatch(program);
  addWait(program);
  addLogs(program);
};
