import { NodePhase, type TemplateInvocation } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { resolveTemplate, innerScope } from '../templates/resolve-template.js';

const isAbsent = (node: TreeNode): boolean => node.status.phase === NodePhase.Skipped || node.status.phase === NodePhase.Omitted;

/**
 * Outputs of a step or task that was skipped or omitted: those that its template declares are known, with the default where there is one and
 * without a value (null) else (Argo v4.0.7 and later).
 */
export const absentOutputs = (
  pass: Pass,
  prefix: string,
  node: TreeNode,
  invocation: TemplateInvocation,
): [string, string | null][] => {
  if (!isAbsent(node)) return [];
  const resolved = resolveTemplate(pass, node.status.templateScope ?? innerScope(node), invocation);
  if (resolved.type === 'missing') return [];
  const { template } = resolved;
  const parameters = (template.outputs?.parameters ?? []).map((parameter): [string, string | null] => [
    `${prefix}.outputs.parameters.${parameter.name}`,
    parameter.valueFrom?.default ?? null,
  ]);
  return template.script === undefined ? parameters : [...parameters, [`${prefix}.outputs.result`, null]];
};
