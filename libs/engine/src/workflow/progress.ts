import type { Pass } from '../pass.js';
import { setCondition, isFinished } from './workflow-phase.js';

/** Sums over pods on the workflow: progress, and whether any pod runs. Both come from counters. */
export const noteProgress = (pass: Pass): void => {
  const { state } = pass;
  const { counters } = state;
  if (state.pending.nodes.size === 0 && !state.pending.header) return;
  const progress = `${counters.progressDone}/${counters.progressTotal}`;
  if (state.header.status.progress !== progress) {
    state.changeHeader((header) => {
      header.status = { ...header.status, progress };
    });
  }
  if (counters.progressTotal > 0 || isFinished(state)) {
    setCondition(state, { type: 'PodRunning', status: counters.runningPods > 0 ? 'True' : 'False' });
  }
};
