import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** The strategy in force: asked for by a request, or written in the spec. */
export const shutdownOf = (state: WorkflowState): 'Stop' | 'Terminate' | undefined =>
  state.header.shutdown ?? state.spec.shutdown;

/** Whether the strategy forbids this node: everything under Terminate, all but exit handlers under Stop. */
export const isShutDownFor = (state: WorkflowState, node: TreeNode): boolean => {
  const strategy = shutdownOf(state);
  return strategy === 'Terminate' || (strategy === 'Stop' && node.memory.onExit !== true);
};

/** Whether new exit handlers may start. */
export const mayExitHandlersRun = (state: WorkflowState): boolean => shutdownOf(state) !== 'Terminate';

/** Message of a pod that was ended, or not begun, by a shutdown; the two spaces are Argo's. */
export const shutdownPodMessage = (state: WorkflowState): string =>
  `workflow shutdown with strategy:  ${shutdownOf(state) ?? ''}`;

/** Message of anything else that a shutdown ended. */
export const shutdownMessage = (state: WorkflowState): string => `Stopped with strategy '${shutdownOf(state) ?? ''}'`;
