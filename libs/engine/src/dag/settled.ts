import { isCompleted, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isExitHandlerDue } from '../exit-handlers/exit-handler.js';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import type { Dag } from './dag-in-hand.js';
import { isFailFastDag } from './resolve-task.js';

/** A loop that succeeded lets its dependents go before its own exit handler starts, so they do not wait for it. */
export const isExitLast = (pass: Pass, dag: Dag, node: TreeNode): boolean => {
  if (node.status.type !== NodeType.TaskGroup || node.status.phase !== NodePhase.Succeeded) return false;
  return !isFailFastDag(pass, dag.node) || pass.state.ownedBy(node.id).every((item) => !isCompleted(item.status));
};

/** Hooks and exit handler of a task have ended too; only then does it count for others. */
export const isSettled = (pass: Pass, dag: Dag, node: TreeNode): boolean => {
  if (!isFulfilled(node.status)) return false;
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || (task.onExit === undefined && task.hooks === undefined)) return true;
  if (isExitHandlerDue(pass, node, task)) return isExitLast(pass, dag, node);
  return pass.state.children(node).every((child) => child.status.nodeFlag?.hooked !== true || isFulfilled(child.status));
};
