import { createScope, substituteJson } from '#libs/expressions';
import type { Container, KubernetesObject, Template, WorkflowPodFields } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';

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
  'automountServiceAccountToken',
  'hostAliases',
  'imagePullSecrets',
  'hostNetwork',
  'dnsPolicy',
  'dnsConfig',
  'podResources',
  'resourceClaims',
] as const satisfies readonly (keyof WorkflowPodFields)[];

/** Claims that were made for the workflow, as volumes of its pods (status.persistentVolumeClaims). */
const claimVolumes = (pass: Pass): KubernetesObject[] =>
  (pass.state.header.status.persistentVolumeClaims ?? []) as KubernetesObject[];

const mountedNames = (template: Template): ReadonlySet<unknown> => {
  const { container, script, containerSet, sidecars = [], initContainers = [] } = template;
  const containers: (Container | undefined)[] = [
    container,
    script,
    ...(containerSet?.containers ?? []),
    ...sidecars,
    ...initContainers,
  ];
  const mounts = [...containers.flatMap((each) => each?.volumeMounts ?? []), ...(containerSet?.volumeMounts ?? [])];
  return new Set(mounts.map(({ name }) => name));
};

const localVariables = (template: Template, podName: string): Map<string, string> =>
  new Map([
    ['pod.name', podName],
    ...(template.inputs?.parameters ?? []).flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
  ]);

/**
 * What the workflow's spec says of a pod, with its tags replaced: `workflow.*`, and those of the pod's own template. Of the volumes only those
 * that the template mounts. Undefined where it says nothing.
 */
export const workflowPodFields = (pass: Pass, template: Template, podName: string): WorkflowPodFields | undefined => {
  const { spec } = pass.state;
  const written = Object.fromEntries(FIELDS.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));
  const mounted = mountedNames(template);
  const volumes = [...(spec.volumes ?? []), ...claimVolumes(pass)].filter(({ name }) => mounted.has(name));
  const fields: WorkflowPodFields = { ...written, ...(volumes.length === 0 ? {} : { volumes }) };
  if (Object.keys(fields).length === 0) return undefined;
  const scope = createScope(localVariables(template, podName), globalScope(pass.state, pass.nowMs));
  return substituteJson(fields, scope, { nowMs: pass.nowMs });
};
