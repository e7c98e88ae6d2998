import { isFinishedWorkflowPhase, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';

/** Locks, or templates elsewhere that may name some. */
const NAMES_LOCKS = /"(?:synchronization|templateRef|workflowTemplateRef)":/;

/** Whether a workflow of this spec could ask for a lock. */
export const namesLocks = (spec: WorkflowSpec): boolean => NAMES_LOCKS.test(JSON.stringify(spec));

/** Whether the workflow could still ask for a lock. */
export const mayWantLocks = ({ spec, status }: Workflow): boolean => !isFinishedWorkflowPhase(status?.phase) && namesLocks(spec);
