import { formatTime, isFulfilledPhase, NodePhase } from '#libs/workflow-spec';
import { PhaseTransitionError } from '../errors.js';
import type { WorkflowState } from '../state/workflow-state.js';
import type { TreeNode } from '../state/tree-node.js';

const { Pending, Running, Succeeded, Skipped, Failed, Error: Errored, Omitted } = NodePhase;

/**
 * Which phase may follow which. Terminal phases are left only where Argo leaves them: a Succeeded or Failed node whose own outputs cannot
 * be resolved becomes Error; manual retry does not go through here but through `reopen`.
 */
export const PHASE_TRANSITIONS: Readonly<Record<NodePhase, ReadonlySet<NodePhase>>> = {
  [Pending]: new Set([Running, Succeeded, Failed, Errored, Skipped]),
  [Running]: new Set([Pending, Succeeded, Failed, Errored, Skipped]),
  [Succeeded]: new Set([Errored]),
  [Failed]: new Set([Errored]),
  [Errored]: new Set([Failed]),
  [Skipped]: new Set([Errored]),
  [Omitted]: new Set([Errored]),
};

/** Whether the table lets a node go from one phase to another; staying is always allowed. */
export const canTransition = (from: NodePhase, to: NodePhase): boolean => from === to || PHASE_TRANSITIONS[from].has(to);

/**
 * The one place where a node's phase changes. An absent message keeps the present one, as Argo's markNodePhase does.
 * Throws PhaseTransitionError where the table forbids the change.
 */
export const setPhase = (
  state: WorkflowState,
  node: TreeNode,
  change: { phase: NodePhase; message?: string; nowMs: number },
): void => {
  const from = node.status.phase ?? Pending;
  if (!canTransition(from, change.phase)) throw new PhaseTransitionError(node.status.name, from, change.phase);
  if (from === change.phase && (change.message === undefined || change.message === (node.status.message ?? ''))) return;
  state.change(node, () => {
    node.status.phase = change.phase;
    if (change.message !== undefined) {
      if (change.message === '') delete node.status.message;
      else node.status.message = change.message;
    }
    if (isFulfilledPhase(change.phase) && (node.status.finishedAt ?? null) === null) {
      node.status.finishedAt = formatTime(change.nowMs);
      node.memory.finishedAtMs = change.nowMs;
      delete node.memory.wakeAtMs;
    }
  });
};
