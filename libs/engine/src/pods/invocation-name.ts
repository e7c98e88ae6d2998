import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** Name of the step or task that a node stands for in its boundary's template: that of the Retry node for an attempt. */
export const invocationName = (state: WorkflowState, node: TreeNode): string | undefined => {
  if (node.memory.role === 'attempt') {
    const owner = state.find(node.memory.owner);
    return owner === undefined ? undefined : invocationName(state, owner);
  }
  return node.memory.role === 'step' || node.memory.role === 'task' || node.memory.role === 'item' ? node.memory.name : undefined;
};
