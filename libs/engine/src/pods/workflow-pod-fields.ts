import { createScope, substituteJson } from '#libs/expressions';
import type { Template, WorkflowPodFields } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { workflowVolumes } from './mounted-volumes.js';

const FIELDS = [
  'podMetadata',
  'podSpecPatch',
  'nodeSelector',
  'affinity',
  'tolerations',
  'schedulerName',
  'podPriorityClassName',
  'securityContext',
  'serviceAccountName',
  'executor',
  'automountServiceAccountToken',
  'hostAliases',
  'imagePullSecrets',
  'hostNetwork',
  'dnsPolicy',
  'dnsConfig',
  'podResources',
  'resourceClaims',
] as const satisfies readonly (keyof WorkflowPodFields)[];

const localVariables = (template: Template, podName: string): Map<string, string> =>
  new Map([
    ['pod.name', podName],
    ...(template.inputs?.parameters ?? []).flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
  ]);

/**
 * What the workflow's spec says of a pod, with its tags replaced: `workflow.*`, and those of the pod's own template. Of the volumes only those
 * that the template mounts. Undefined where it says nothing. Throws ExecutionError for a mount without a volume.
 */
export const workflowPodFields = (
  pass: Pass,
  node: TreeNode,
  { template, podName }: { template: Template; podName: string },
): WorkflowPodFields | undefined => {
  const { spec } = pass.state;
  const written = Object.fromEntries(FIELDS.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));
  const volumes = workflowVolumes(pass, node, template);
  const fields: WorkflowPodFields = { ...written, ...(volumes.length === 0 ? {} : { volumes }) };
  if (Object.keys(fields).length === 0) return undefined;
  const scope = createScope(localVariables(template, podName), globalScope(pass.state, pass.nowMs));
  return substituteJson(fields, scope, { nowMs: pass.nowMs });
};
