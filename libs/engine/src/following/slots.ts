import { NodeType } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { revisit } from './propagate.js';

/** The boundary whose limit a waiting container is under. */
const limitedBoundary = (state: WorkflowState, id: string): string => {
  const node = state.find(id);
  if (node === undefined) return '';
  return node.status.type === NodeType.Steps || node.status.type === NodeType.DAG ? node.id : (node.status.boundaryID ?? '');
};

/** The order in which Argo's walk over the tree comes to them, so that it does not matter when each began to wait. */
export const inTreeOrder = (state: WorkflowState, ids: string[]): string[] =>
  ids.sort((left, right) => (state.find(left)?.ordinal ?? -1) - (state.find(right)?.ordinal ?? -1));

/**
 * Gives freed slots to those who wait, in tree order. Only containers under a limit that has become looser are asked; under the
 * workflow's own limit the first that has to go on waiting ends the round.
 */
export const giveSlots = (pass: Pass): void => {
  const { state } = pass;
  const { freed } = state.counters;
  if (state.waitingForSlot.size === 0 || freed.size === 0) {
    freed.clear();
    return;
  }
  const isAnySlot = freed.has('') && state.spec.parallelism !== undefined;
  const ids = inTreeOrder(
    state,
    [...state.waitingForSlot].filter((id) => isAnySlot || freed.has(limitedBoundary(state, id))),
  );
  freed.clear();
  for (const id of ids) {
    state.waitingForSlot.delete(id);
    revisit(pass, id);
    if (typeof state.spec.parallelism === 'number' && state.counters.activePods >= state.spec.parallelism) break;
  }
};
