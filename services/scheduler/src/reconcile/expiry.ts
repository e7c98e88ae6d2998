import { effectiveSpecOf, type SubmittedWorkflow, type WorkflowHeader } from '#libs/engine';
import { isFinishedWorkflowPhase, parseTime, type TTLStrategy } from '#libs/workflow-spec';

/**
 * When a finished workflow may be deleted, in milliseconds since the epoch; null: never by time. `secondsAfterSuccess` and
 * `secondsAfterFailure` take the place of `secondsAfterCompletion` (Argo v4.1 `workflow/gccontroller`).
 */
export const expiryOf = (workflow: SubmittedWorkflow, header: WorkflowHeader): number | null => {
  const { phase = '', finishedAt } = header.status;
  if (!isFinishedWorkflowPhase(phase) || !finishedAt) return null;
  const strategy: TTLStrategy | undefined = effectiveSpecOf(workflow, header).ttlStrategy;
  if (!strategy) return null;
  const { secondsAfterSuccess, secondsAfterFailure, secondsAfterCompletion } = strategy;
  const seconds = (phase === 'Succeeded' ? secondsAfterSuccess : secondsAfterFailure) ?? secondsAfterCompletion;
  const finishedAtMs = parseTime(finishedAt);
  return seconds === undefined || finishedAtMs === undefined ? null : finishedAtMs + seconds * 1000;
};
