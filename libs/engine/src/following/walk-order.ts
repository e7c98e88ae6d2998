import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** Ordinals from the outermost owner down to the node itself; what hangs on the workflow itself has the empty path. */
const pathOf = (state: WorkflowState, id: string): number[] => {
  const path: number[] = [];
  for (let at: TreeNode | undefined = state.find(id); at !== undefined; at = state.find(at.memory.owner)) path.push(at.ordinal);
  return path.reverse();
};

/** Siblings in the order in which they were made, and whatever is inside of a node before the node goes on itself. */
const comparePaths = (left: readonly number[], right: readonly number[]): number => {
  const common = Math.min(left.length, right.length);
  for (let at = 0; at < common; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return right.length - left.length;
};

/**
 * The order in which Argo's walk over the tree comes to containers that go on: inner ones before the outer ones that hold them. It depends
 * on the tree alone, so it does not matter when each began to wait, and a walk that was cut is taken up where it stopped.
 */
export const inWalkOrder = (state: WorkflowState, ids: Iterable<string>): string[] =>
  [...ids]
    .map((id) => ({ id, path: pathOf(state, id) }))
    .sort((left, right) => comparePaths(left.path, right.path))
    .map(({ id }) => id);
