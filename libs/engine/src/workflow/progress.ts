import type { Pass } from '../pass.js';
import { notePodRunning } from './workflow-phase.js';

/** Sums over pods on the workflow: progress, and whether any pod runs. Both come from counters. After a retry that left no pod the old sum stays. */
export const noteProgress = (pass: Pass): void => {
  const { state } = pass;
  const { counters } = state;
  if (state.pending.nodes.size === 0 && !state.pending.header) return;
  const progress = `${counters.progressDone}/${counters.progressTotal}`;
  const isKept = counters.progressTotal === 0 && state.header.status.progress !== undefined;
  if (!isKept && state.header.status.progress !== progress) {
    state.changeHeader((header) => {
      header.status = { ...header.status, progress };
    });
  }
  notePodRunning(state);
};
