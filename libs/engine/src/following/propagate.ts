import { isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isHeldByFailFast } from '../limits/parallelism.js';
import { isContainer } from '../node-tree/containers.js';
import type { ChangedChild, Outcome, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import type { TreeNode } from '../state/tree-node.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { afterTopChange, assessWorkflow } from '../workflow/workflow-run.js';
import { isSuspended } from './suspended.js';

/** The Steps and DAG nodes around a node, outermost first. */
const boundariesAround = (pass: Pass, node: TreeNode): TreeNode[] => {
  const found: TreeNode[] = [];
  for (let at = pass.state.find(node.memory.owner); at !== undefined; at = pass.state.find(at.memory.owner)) {
    if (at.status.type === NodeType.Steps || at.status.type === NodeType.DAG) found.push(at);
  }
  return found.reverse();
};

/** The outermost boundary that failFast holds, with whatever is below it; an attempt of a Retry is not asked, as in Argo. */
const heldBoundary = (pass: Pass, node: TreeNode): TreeNode | undefined =>
  boundariesAround(pass, node).find(
    (boundary) => isFulfilled(boundary.status) || (boundary.memory.role !== 'attempt' && isHeldByFailFast(pass, boundary)),
  );

const showError = (pass: Pass, node: TreeNode, outcome: Outcome): void => {
  const shows = node.status.type === NodeType.Steps || node.status.type === NodeType.DAG;
  if (outcome.error !== undefined && shows)
    setPhase(pass.state, node, { phase: NodePhase.Error, message: outcome.error, nowMs: pass.nowMs });
};

/** Carries a change upwards: each owner goes on with what it makes possible, until one is not changed by it. */
export const propagate = (pass: Pass, first: ChangedChild): void => {
  if (isSuspended(pass.state)) {
    pass.state.unfollowed.push(first.node.id);
    return;
  }
  const held = heldBoundary(pass, first.node);
  let changed = held === undefined ? first : { node: held };
  if (held !== undefined && !isFulfilled(held.status)) return;
  for (;;) {
    const owner = pass.state.find(changed.node.memory.owner);
    if (owner === undefined) {
      afterTopChange(pass, changed);
      return;
    }
    if (isFulfilled(owner.status)) {
      if (owner.status.type !== NodeType.TaskGroup) return;
      changed = { node: owner };
      continue;
    }
    const outcome = pass.operations.advance(pass, owner, changed);
    showError(pass, owner, outcome);
    if (!isFulfilled(owner.status) && outcome.error === undefined) return;
    changed = { node: owner, ...outcome };
  }
};

/** Goes on with a container for a reason outside of it. */
export const revisit = (pass: Pass, id: string): void => {
  if (id === '') {
    startWorkflow(pass);
    assessWorkflow(pass);
    return;
  }
  const node = pass.state.find(id);
  if (node === undefined || !isContainer(node) || isFulfilled(node.status)) return;
  if (heldBoundary(pass, node) !== undefined) return;
  const outcome = pass.operations.advance(pass, node);
  showError(pass, node, outcome);
  if (isFulfilled(node.status) || outcome.error !== undefined) propagate(pass, { node, ...outcome });
};
