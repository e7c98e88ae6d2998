import type { Store } from '#libs/store';
import type { ArtifactGC, Template, Workflow } from '#libs/workflow-spec';

const isActive = (gc: ArtifactGC | undefined): boolean =>
  gc?.strategy !== undefined && gc.strategy !== '' && gc.strategy !== 'Never';

/** Whether anything of the workflow may be deleted before the workflow itself is: only then is there something to look up. */
const collectsArtifacts = ({ spec, status }: Workflow): boolean => {
  const specs = [spec, ...(status?.storedWorkflowTemplateSpec ? [status.storedWorkflowTemplateSpec] : [])];
  const templates: Template[] = [...specs.flatMap((one) => one.templates ?? []), ...Object.values(status?.storedTemplates ?? {})];
  return (
    specs.some(({ artifactGC }) => isActive(artifactGC)) ||
    templates.some(({ outputs }) => outputs?.artifacts?.some(({ artifactGC }) => isActive(artifactGC)) ?? false)
  );
};

/** The workflow with `deleted: true` on the artifacts that artifact GC has removed, as Argo's controller notes them. */
export const withDeletedArtifacts = async (
  workflow: Workflow,
  deletions: Pick<Store['artifactDeletions'], 'deletedArtifacts'>,
): Promise<Workflow> => {
  const nodes = workflow.status?.nodes;
  if (nodes === undefined || !collectsArtifacts(workflow)) return workflow;
  const deleted = await deletions.deletedArtifacts(workflow.metadata.uid ?? '');
  if (deleted.length === 0) return workflow;
  const marked = { ...nodes };
  for (const { nodeId, artifactName } of deleted) {
    const node = marked[nodeId];
    if (node?.outputs?.artifacts === undefined) continue;
    const artifacts = node.outputs.artifacts.map((artifact) =>
      artifact.name === artifactName ? { ...artifact, deleted: true } : artifact,
    );
    marked[nodeId] = { ...node, outputs: { ...node.outputs, artifacts } };
  }
  return { ...workflow, status: { ...workflow.status, nodes: marked } };
};
