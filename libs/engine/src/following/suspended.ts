import { shutdownOf } from '../limits/shutdown.js';
import type { WorkflowState } from '../state/workflow-state.js';

/**
 * Nothing new starts and nothing is followed while the workflow as a whole is suspended; pods that run go on. A shutdown ends it all the
 * same, and its exit handlers run where the strategy lets them (in Argo a suspended workflow takes no notice of a shutdown).
 */
export const isSuspended = (state: WorkflowState): boolean =>
  shutdownOf(state) === undefined && (state.header.suspend ?? state.spec.suspend === true);
