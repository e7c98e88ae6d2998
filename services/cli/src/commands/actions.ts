import type { Command } from 'commander';
import { ApiClientError, UsageError } from '../client/errors.js';
import type { Workflow } from '#libs/workflow-spec';
import { WorkflowsApi } from '../client/workflows-api.js';
import { objectText, OBJECT_FORMATS } from '../output/object-text.js';
import { collect, type CommandContext, contextOf, wordOf } from './context.js';
import { type SelectionFlags, selectWorkflows, withSelectionFlags } from './list.js';
import { viewOf } from './progress.js';
import { deleteResources, isResourceKind } from './resources.js';
import { followAll, priorityOf } from './submit.js';

/** The named workflows, or those that the selectors choose. Throws UsageError where neither is given. */
const targetsOf = async (context: CommandContext, names: readonly string[], flags: SelectionFlags): Promise<string[]> => {
  if (names.length > 0) return [...names];
  if (!flags.selector && !flags.fieldSelector) throw new UsageError('give names of workflows, or --selector or --field-selector');
  return (await selectWorkflows(context, flags)).map(({ metadata }) => metadata.name ?? '');
};

interface ActionFlags extends SelectionFlags {
  nodeFieldSelector?: string;
  message?: string;
  dryRun?: boolean;
}

interface PlainAction {
  verb: 'suspend' | 'resume' | 'stop' | 'terminate';
  done: string;
  description: string;
  takesNodes: boolean;
  takesMessage: boolean;
}

const PLAIN_ACTIONS: readonly PlainAction[] = [
  {
    verb: 'suspend',
    done: 'suspended',
    description: 'let no further step of workflows begin',
    takesNodes: false,
    takesMessage: false,
  },
  {
    verb: 'resume',
    done: 'resumed',
    description: 'let suspended workflows or nodes go on',
    takesNodes: true,
    takesMessage: false,
  },
  {
    verb: 'stop',
    done: 'stopped',
    description: 'stop workflows; their exit handlers still run',
    takesNodes: true,
    takesMessage: true,
  },
  {
    verb: 'terminate',
    done: 'terminated',
    description: 'end workflows at once, without exit handlers',
    takesNodes: false,
    takesMessage: false,
  },
];

const addPlainAction = (program: Command, { verb, done, description, takesNodes, takesMessage }: PlainAction): void => {
  const command = program
    .command(`${verb} [names...]`)
    .description(description)
    .option('-l, --selector <selector>', 'workflows with these labels')
    .option('--field-selector <selector>', 'workflows with these fields')
    .option('--dry-run', 'only print which workflows are meant');
  if (takesNodes) command.option('--node-field-selector <selector>', 'only these nodes, for example displayName=approve');
  if (takesMessage) command.option('--message <text>', 'message of the nodes that are stopped');
  command
    .addHelpText('after', `\nExamples:\n  argosy ${verb} my-workflow\n  argosy ${verb} @latest`)
    .action(async (names: string[], flags: ActionFlags, self: Command) => {
      const context = contextOf(self);
      const api = new WorkflowsApi(context.client, context.namespace);
      for (const name of await targetsOf(context, names, flags)) {
        if (!flags.dryRun) await api.act(name, verb, { nodeFieldSelector: flags.nodeFieldSelector, message: flags.message });
        context.out(`workflow ${name} ${done}${flags.dryRun ? ' (dry-run)' : ''}`);
      }
    });
};

interface AgainFlags extends SelectionFlags {
  restartSuccessful?: boolean;
  memoized?: boolean;
  priority?: string;
  nodeFieldSelector?: string;
  parameter?: string[];
  output?: string;
  watch?: boolean;
  wait?: boolean;
  log?: boolean;
}

const addAgain = (program: Command, verb: 'retry' | 'resubmit'): void => {
  const command = program
    .command(`${verb} [names...]`)
    .description(verb === 'retry' ? 'run the failed nodes of workflows again' : 'submit workflows again as new ones')
    .option('-p, --parameter <name=value>', 'other value of a parameter; may be repeated', collect)
    .option('-l, --selector <selector>', 'workflows with these labels')
    .option('--field-selector <selector>', 'workflows with these fields')
    .option('-o, --output <format>', `print as ${OBJECT_FORMATS.join(', ')}`)
    .option('-w, --wait', 'wait until they have finished')
    .option('--watch', 'show them until they have finished')
    .option('--log', 'print their logs until they have finished');
  if (verb === 'retry') {
    command.option('--restart-successful', 'also nodes that succeeded, as far as --node-field-selector chooses them');
    command.option('--node-field-selector <selector>', 'which successful nodes run again');
  } else {
    command.option('--memoized', 'keep the results of steps that succeeded');
    command.option('--priority <number>', 'priority among workflows that wait, instead of that of the first run');
  }
  command
    .addHelpText('after', `\nExample:\n  argosy ${verb} my-workflow --watch`)
    .action(async (names: string[], flags: AgainFlags, self: Command) => {
      const context = contextOf(self);
      const api = new WorkflowsApi(context.client, context.namespace);
      const format = wordOf('--output', OBJECT_FORMATS, flags.output);
      const body = {
        parameters: flags.parameter,
        ...(verb === 'retry'
          ? { restartSuccessful: flags.restartSuccessful, nodeFieldSelector: flags.nodeFieldSelector }
          : { memoized: flags.memoized, priority: priorityOf(flags.priority) }),
      };
      const changed: Workflow[] = [];
      for (const name of await targetsOf(context, names, flags)) changed.push(await api.act(name, verb, body));
      for (const workflow of changed) context.out(format ? objectText(workflow, format) : viewOf(workflow, context));
      await followAll(context, changed, flags);
    });
};

interface DeleteFlags extends SelectionFlags {
  all?: boolean;
  force?: boolean;
  dryRun?: boolean;
}

const addDelete = (program: Command): void => {
  withSelectionFlags(program.command('delete [names...]'))
    .description('delete workflows, or KIND NAME: a ConfigMap, Secret, template or CronWorkflow')
    .option('--all', 'all workflows of the namespace')
    .option('--force', 'do not wait for finalizers')
    .option('--dry-run', 'only print which workflows are meant')
    .addHelpText(
      'after',
      '\nExamples:\n  argosy delete my-workflow\n  argosy delete --older 7d\n  argosy delete configmap my-settings',
    )
    .action(async (names: string[], flags: DeleteFlags, command: Command) => {
      const context = contextOf(command);
      const [kind, ...rest] = names;
      if (kind !== undefined && isResourceKind(kind) && rest.length > 0) return deleteResources(context, kind, rest);
      for (const { name, namespace } of await deletedBy(context, names, flags)) {
        const api = new WorkflowsApi(context.client, namespace);
        if (flags.dryRun) context.out(`Workflow '${name}' deleted (dry-run)`);
        else if (await deleteOne(api, name, { force: flags.force, isSelected: names.length === 0 }))
          context.out(`Workflow '${name}' deleted`);
      }
    });
};

/** Lists also name workflows that only the archive still has: where these were selected, they are passed over. */
const deleteOne = async (
  api: WorkflowsApi,
  name: string,
  { force, isSelected }: { force: boolean | undefined; isSelected: boolean },
): Promise<boolean> => {
  try {
    await api.delete(name, force);
    return true;
  } catch (error) {
    if (isSelected && error instanceof ApiClientError && error.httpStatus === 404) return false;
    throw error;
  }
};

const SELECTING: readonly (keyof DeleteFlags)[] = [
  'all',
  'allNamespaces',
  'completed',
  'running',
  'older',
  'since',
  'prefix',
  'resubmitted',
  'status',
  'selector',
  'fieldSelector',
];

/** The named workflows, or those that the flags select. Throws UsageError where nothing says which. */
const deletedBy = async (
  context: CommandContext,
  names: readonly string[],
  flags: DeleteFlags,
): Promise<{ name: string; namespace: string }[]> => {
  if (names.length > 0) return names.map((name) => ({ name, namespace: context.namespace }));
  if (!SELECTING.some((flag) => Boolean(flags[flag])))
    throw new UsageError('give names of workflows, --all, or a flag that selects some');
  return (await selectWorkflows(context, flags)).map(({ metadata }) => ({
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? context.namespace,
  }));
};

const addNode = (program: Command): void => {
  program
    .command('node <action> <name>')
    .description('set: give suspended nodes of a workflow outputs, a message or a phase')
    .option('--node-field-selector <selector>', 'which nodes')
    .option('--message <text>', 'message of the nodes')
    .option('--phase <phase>', 'phase of the nodes')
    .option('-p, --output-parameter <name=value>', 'output parameter; may be repeated', collect)
    .addHelpText('after', '\nExample:\n  argosy node set my-workflow -p approve=YES --node-field-selector displayName=approve')
    .action(
      async (
        action: string,
        name: string,
        flags: { nodeFieldSelector?: string; message?: string; phase?: string; outputParameter?: string[] },
        command: Command,
      ) => {
        if (action !== 'set') throw new UsageError(`node knows set, not ${action}`);
        const context = contextOf(command);
        const pairs = (flags.outputParameter ?? []).map(
          (text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const,
        );
        const outputParameters = pairs.length === 0 ? undefined : JSON.stringify(Object.fromEntries(pairs));
        const { nodeFieldSelector, message, phase } = flags;
        await new WorkflowsApi(context.client, context.namespace).act(name, 'set', {
          nodeFieldSelector,
          message,
          phase,
          outputParameters,
        });
        context.out('workflow values set');
      },
    );
};

/** `suspend`, `resume`, `stop`, `terminate`, `retry`, `resubmit`, `delete`, `node set`. */
export const addActions = (program: Command): void => {
  for (const action of PLAIN_ACTIONS) addPlainAction(program, action);
  addAgain(program, 'retry');
  addAgain(program, 'resubmit');
  addDelete(program);
  addNode(program);
};
