import { isFulfilled } from '#libs/workflow-spec';
import { isContainer } from '../node-tree/containers.js';
import type { TreeNode } from './tree-node.js';
import type { WorkflowState } from './workflow-state.js';

/** Has the next decision look at these nodes, as far as they are open containers; default: at all of the tree. */
export const lookAgain = (state: WorkflowState, nodes: Iterable<TreeNode> = state.nodes.values()): void => {
  for (const node of nodes) {
    if (isContainer(node) && !isFulfilled(node.status)) state.deferred.set(node.id, 'restored');
  }
};
