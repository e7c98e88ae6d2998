import type { WorkflowState } from '../state/workflow-state.js';

/** Nothing new starts and nothing is followed while the workflow as a whole is suspended; pods that run go on. */
export const isSuspended = (state: WorkflowState): boolean => state.header.suspend ?? state.spec.suspend === true;
