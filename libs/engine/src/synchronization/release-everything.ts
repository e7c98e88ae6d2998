import type { WorkflowState } from '../state/workflow-state.js';
import { hideAllLocks } from './shown-locks.js';

/** The workflow has ended: everything that it or a node of it holds or waits for is given back. */
export const releaseEverything = (state: WorkflowState): void => {
  const { internal } = state.header;
  const isNodeLocked = [...state.nodes.values()].some(({ memory }) => memory.lock !== undefined && memory.lock !== 'released');
  if (internal['lock'] !== undefined || isNodeLocked)
    state.pending.commands.push({ type: 'releaseLocks', holder: '', all: true });
  if (internal['admission'] !== undefined) state.pending.commands.push({ type: 'leaveAdmission' });
  hideAllLocks(state);
};
