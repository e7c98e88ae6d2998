import type { DeletionStrategy, WorkflowGcFacts } from '#libs/store';
import type { Artifact, JsonValue } from '#libs/workflow-spec';

/**
 * When an artifact is to be deleted: what the artifact says, else what the workflow says, else never (Argo v4.1
 * `Workflow.GetArtifactGCStrategy`). Undefined: never.
 */
export function effectiveStrategy(artifact: Artifact, workflowStrategy: JsonValue | undefined): DeletionStrategy | undefined {
  const own = artifact.artifactGC?.strategy;
  const strategy = own === undefined || own === '' ? workflowStrategy : own;
  return strategy === 'OnWorkflowCompletion' || strategy === 'OnWorkflowDeletion' ? strategy : undefined;
}

/** Strategies whose moment has come. A deletion brings the completion's along, as a workflow may be deleted while it runs. */
export function dueStrategies(facts: Pick<WorkflowGcFacts, 'completed' | 'deletedAtMs'>): DeletionStrategy[] {
  if (facts.deletedAtMs !== null) return ['OnWorkflowCompletion', 'OnWorkflowDeletion'];
  return facts.completed ? ['OnWorkflowCompletion'] : [];
}
