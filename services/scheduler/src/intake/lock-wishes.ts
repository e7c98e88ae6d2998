import { isFinishedWorkflowPhase, type Workflow } from '#libs/workflow-spec';

/** Whether the object says that the workflow, or a node of it, holds a lock. */
export const holdsLocks = ({ status }: Workflow): boolean => {
  const { semaphore, mutex } = status?.synchronization ?? {};
  return (semaphore?.holding?.length ?? 0) + (mutex?.holding?.length ?? 0) > 0;
};

/** Locks, or templates elsewhere that may name some. */
const NAMES_LOCKS = /"(?:synchronization|templateRef|workflowTemplateRef)":/;

/** Whether the workflow could still ask for a lock. */
export const mayWantLocks = ({ spec, status }: Workflow): boolean =>
  !isFinishedWorkflowPhase(status?.phase) && NAMES_LOCKS.test(JSON.stringify(spec));
