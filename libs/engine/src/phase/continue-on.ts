import { NodePhase, type TemplateInvocation } from '#libs/workflow-spec';

/** Whether a step or task that ended in this phase does not fail what it belongs to. */
export const continuesOn = (
  invocation: Pick<TemplateInvocation, 'continueOn'> | undefined,
  phase: NodePhase | undefined,
): boolean =>
  (phase === NodePhase.Error && invocation?.continueOn?.error === true) ||
  (phase === NodePhase.Failed && invocation?.continueOn?.failed === true);
