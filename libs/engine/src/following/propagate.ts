import { isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isHeldByFailFast } from '../limits/parallelism.js';
import { expressionHooks } from '../hooks/lifecycle-hooks.js';
import { templateOf } from '../templates/process-template.js';
import { isContainer } from '../node-tree/containers.js';
import type { ChangedChild, Outcome, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import type { TreeNode } from '../state/tree-node.js';
import { failByHook, isDoomed } from '../steps/step-group.js';
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
export const heldBoundary = (pass: Pass, node: TreeNode): TreeNode | undefined =>
  boundariesAround(pass, node).find(
    (boundary) => isFulfilled(boundary.status) || (boundary.memory.role !== 'attempt' && isHeldByFailFast(pass, boundary)),
  );

/** What is around a node and goes on with nothing below it: a boundary held by failFast, or a step group that is now an error by its hooks. */
const stoppedAround = (pass: Pass, node: TreeNode): TreeNode | undefined => {
  const held = heldBoundary(pass, node);
  if (held !== undefined) return held;
  let doomed: TreeNode | undefined;
  for (let at = pass.state.find(node.memory.owner); at !== undefined; at = pass.state.find(at.memory.owner)) {
    if (isDoomed(at)) doomed = at;
  }
  if (doomed !== undefined) failByHook(pass, doomed);
  return doomed;
};

const showError = (pass: Pass, node: TreeNode, outcome: Outcome): void => {
  const shows = node.status.type === NodeType.Steps || node.status.type === NodeType.DAG;
  if (outcome.error !== undefined && shows)
    setPhase(pass.state, node, { phase: NodePhase.Error, message: outcome.error, nowMs: pass.nowMs });
};

/**
 * Carries a change upwards: each owner goes on with what it makes possible, until one is not changed by it. What a hook belongs to, and may
 * have been kept open by it, is looked at last.
 */
export const propagate = (pass: Pass, first: ChangedChild): void => {
  const subjects: string[] = [];
  carryUp(pass, first, subjects);
  for (const subject of subjects) revisit(pass, subject);
};

const carryUp = (pass: Pass, first: ChangedChild, subjects: string[]): void => {
  if (isSuspended(pass.state)) {
    pass.state.unfollowed.add(first.node);
    return;
  }
  const stopped = stoppedAround(pass, first.node);
  if (stopped !== undefined && !isFulfilled(stopped.status)) return;
  let changed = stopped === undefined ? first : { node: stopped };
  for (;;) {
    const { owner: ownerId, role, subject } = changed.node.memory;
    if (role === 'hook' && subject !== undefined) subjects.push(subject);
    const owner = pass.state.find(ownerId);
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

/** Whether the template around a node has hooks that may fire before a step or task has ended. */
const hasEarlyHooks = (pass: Pass, boundary: TreeNode): boolean =>
  pass.state.derived.of(boundary.id, 'hasEarlyHooks', () => {
    const { steps, dag } = templateOf(pass, boundary);
    return [...(steps ?? []).flat(), ...(dag?.tasks ?? [])].some(({ hooks }) => expressionHooks(hooks).length > 0);
  });

/** Whether a hook may ask if this node is running. */
export const isRunningWatched = (pass: Pass, node: TreeNode): boolean => {
  if (expressionHooks(pass.state.spec.hooks).length > 0 && node.memory.owner === '') return true;
  const boundary = pass.state.find(node.status.boundaryID);
  return boundary !== undefined && hasEarlyHooks(pass, boundary);
};

/** A pod has begun to run: of interest to hooks alone. */
export const followRunning = (pass: Pass, node: TreeNode): void => {
  const { state } = pass;
  if (isSuspended(state)) return;
  const owner = state.find(node.memory.owner);
  if (owner === undefined) assessWorkflow(pass);
  const boundary = state.find(node.status.boundaryID);
  if (owner === undefined || boundary === undefined || !isContainer(owner) || isFulfilled(owner.status)) return;
  if (!hasEarlyHooks(pass, boundary) || heldBoundary(pass, node) !== undefined) return;
  const outcome = pass.operations.advance(pass, owner, { node });
  showError(pass, owner, outcome);
  if (isFulfilled(owner.status) || outcome.error !== undefined) propagate(pass, { node: owner, ...outcome });
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
