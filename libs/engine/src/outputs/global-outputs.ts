import type { Artifact, Outputs, Parameter } from '#libs/workflow-spec';
import type { WorkflowState } from '../state/workflow-state.js';

const upsert = <T extends { name: string }>(list: readonly T[] | undefined, item: T): T[] => {
  const known = list ?? [];
  return known.some(({ name }) => name === item.name)
    ? known.map((other) => (other.name === item.name ? item : other))
    : [...known, item];
};

const exportedParameter = ({ globalName, value }: Parameter): Parameter[] =>
  globalName === undefined || globalName === '' || value === undefined ? [] : [{ name: globalName, value }];

const exportedArtifact = ({ globalName, path: _path, ...artifact }: Artifact): Artifact[] =>
  globalName === undefined || globalName === '' ? [] : [{ ...artifact, name: globalName }];

/** Copies what carries a `globalName` into the workflow's own outputs; the last one to come wins (Argo's addOutputsToGlobalScope). */
export const exportGlobals = (state: WorkflowState, outputs: Outputs | undefined): void => {
  const parameters = (outputs?.parameters ?? []).flatMap(exportedParameter);
  const artifacts = (outputs?.artifacts ?? []).flatMap(exportedArtifact);
  if (parameters.length === 0 && artifacts.length === 0) return;
  state.changeHeader((header) => {
    const global: Outputs = { ...header.status.outputs };
    for (const parameter of parameters) global.parameters = upsert(global.parameters, parameter);
    for (const artifact of artifacts) global.artifacts = upsert(global.artifacts, artifact);
    header.status = { ...header.status, outputs: global };
  });
};
