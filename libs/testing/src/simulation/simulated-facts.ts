import type { FactKey, FactValue } from '#libs/engine';
import type { TypedObject, WorkflowSpec } from '#libs/workflow-spec';
import type { SimulationOptions } from './simulation-options.js';

/** What the engine asks for, from the objects and limits that exist beside the workflow; null where there is no such thing. */
export const factOf = (
  key: FactKey,
  { others = [], syncLimits = {} }: Pick<SimulationOptions, 'others' | 'syncLimits'>,
): FactValue => {
  if (key.kind === 'memo' || key.kind === 'baseline' || key.kind === 'artifactRepository') return null;
  if (key.kind === 'syncLimit') {
    const limit = syncLimits[`${key.namespace}/${key.key}`];
    return limit === undefined ? null : { kind: 'text', value: String(limit) };
  }
  const kind = {
    workflowTemplate: 'WorkflowTemplate',
    clusterWorkflowTemplate: 'ClusterWorkflowTemplate',
    configMapKey: 'ConfigMap',
  }[key.kind];
  const found = others.find((object) => object.kind === kind && object.metadata.name === key.name) as
    (TypedObject & { spec?: WorkflowSpec; data?: Record<string, string> }) | undefined;
  if (found === undefined) return null;
  if (key.kind !== 'configMapKey') return { kind: 'template', spec: found.spec ?? {} };
  const value = found.data?.[key.key];
  return value === undefined ? null : { kind: 'text', value };
};
