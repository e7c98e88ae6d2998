import { relocate } from '#libs/artifacts';
import type { Artifact, ArtifactLocation, KubernetesObject, Workflow } from '#libs/workflow-spec';

/** Where an artifact of a workflow lies: its own place, or its key in the repository that the workflow was run with. */
export function artifactLocation(workflow: Workflow, artifact: Artifact): ArtifactLocation {
  const repository = workflow.status?.artifactRepositoryRef?.artifactRepository as KubernetesObject | undefined;
  return relocate(artifact, repository);
}
