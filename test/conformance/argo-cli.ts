import 'reflect-metadata';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { WorkflowsApi } from '../../services/cli/src/client/workflows-api.js';
import { addActions } from '../../services/cli/src/commands/actions.js';
import { type CommandContext, contextOf } from '../../services/cli/src/commands/context.js';
import { type SelectionFlags, selectWorkflows } from '../../services/cli/src/commands/list.js';

const LOOK_MS = 200;

/** Whether a pod of the selected workflows has not begun. */
const isAwaited = async (context: CommandContext, flags: SelectionFlags): Promise<boolean> => {
  const api = new WorkflowsApi(context.client, context.namespace);
  for (const { metadata } of await selectWorkflows(context, flags, { fields: 'items.metadata.name' })) {
    const { status } = await api.get(metadata.name ?? '');
    if (Object.values(status?.nodes ?? {}).some(({ type, phase }) => type === 'Pod' && phase === 'Pending')) return true;
  }
  return false;
};

// What the recordings ask of Argo's own command line from within a step, done with our verbs; what it logs of itself is its own matter.
const program = new Command('argo').option('-n, --namespace <name>').option('--loglevel <level>');
addActions(program);
// The real one came when the steps beside it were well under way.
program.hook('preAction', async (_program, action) => {
  const flags = action.opts<SelectionFlags>();
  while (flags.selector !== undefined && (await isAwaited(contextOf(action), flags))) await setTimeout(LOOK_MS);
});
await program.parseAsync(process.argv);
