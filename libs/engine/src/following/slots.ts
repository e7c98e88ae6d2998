import { NodeType } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { isInterrupted } from './interruption.js';
import { revisit } from './propagate.js';
import { isSuspended } from './suspended.js';
import { inWalkOrder } from './walk-order.js';

/** The boundary whose limit a waiting container is under. */
const limitedBoundary = (state: WorkflowState, id: string): string => {
  const node = state.find(id);
  if (node === undefined) return '';
  return node.status.type === NodeType.Steps || node.status.type === NodeType.DAG ? node.id : (node.status.boundaryID ?? '');
};

/** Containers under a limit that has become looser, in the order of the walk. */
const waitingBelow = (state: WorkflowState, freed: ReadonlySet<string>): string[] => {
  const isAnySlot = freed.has('') && state.spec.parallelism !== undefined;
  return inWalkOrder(
    state,
    [...state.waitingForSlot].filter((id) => isAnySlot || freed.has(limitedBoundary(state, id))),
  );
};

const giveRound = (pass: Pass): void => {
  const { state } = pass;
  const { freed } = state.counters;
  const ids = waitingBelow(state, freed);
  const given = [...freed];
  freed.clear();
  for (const id of ids) {
    state.waitingForSlot.delete(id);
    revisit(pass, id);
    if (isInterrupted(pass)) {
      for (const scope of given) freed.add(scope);
      return;
    }
    if (typeof state.spec.parallelism === 'number' && state.counters.activePods >= state.spec.parallelism) return;
  }
};

/**
 * Gives freed slots to those who wait, in the order of the walk. Only containers under a limit that has become looser are asked; under the
 * workflow's own limit the first that has to go on waiting ends the round. While the walk is interrupted nobody is given any.
 */
export const giveSlots = (pass: Pass): void => {
  const { state } = pass;
  const { freed } = state.counters;
  if (isSuspended(state)) return;
  while (state.waitingForSlot.size > 0 && freed.size > 0 && !isInterrupted(pass)) giveRound(pass);
  if (state.waitingForSlot.size === 0) freed.clear();
};
