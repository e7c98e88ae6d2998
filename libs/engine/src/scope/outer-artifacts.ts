import type { Artifact, Template } from '#libs/workflow-spec';
import type { WorkflowState } from '../state/workflow-state.js';

/** Artifacts that are there before any step or task has run: the template's own inputs, and what the workflow has exported so far. */
export const outerArtifacts = (state: WorkflowState, template: Template): Map<string, Artifact> =>
  new Map([
    ...(template.inputs?.artifacts ?? []).map((artifact): [string, Artifact] => [`inputs.artifacts.${artifact.name}`, artifact]),
    ...(state.header.status.outputs?.artifacts ?? []).map((artifact): [string, Artifact] => [
      `workflow.outputs.artifacts.${artifact.name}`,
      artifact,
    ]),
  ]);
