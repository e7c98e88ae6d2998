import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import type { BuildPodInput } from './contract.js';
import { isWritten, withoutUndefined } from './present-fields.js';

/**
 * Fields of the pod's spec beside containers and volumes: the template's where it has them, else the workflow's; host aliases of both
 * (Argo's createWorkflowPod and addSchedulingConstraints).
 */
export function podFields({ order }: BuildPodInput): KubernetesObject {
  const { template, podFields: workflow = {} } = order;
  const either = (own: unknown, general: unknown): JsonValue | undefined =>
    isWritten(own) ? (own as JsonValue) : isWritten(general) ? (general as JsonValue) : undefined;
  const hostAliases = [...(workflow.hostAliases ?? []), ...(template.hostAliases ?? [])];
  const priorityClassName = either(template.priorityClassName, workflow.podPriorityClassName);
  return withoutUndefined({
    activeDeadlineSeconds: secondsOf(template.activeDeadlineSeconds),
    nodeSelector: either(template.nodeSelector, workflow.nodeSelector),
    affinity: either(template.affinity, workflow.affinity),
    tolerations: either(template.tolerations, workflow.tolerations),
    schedulerName: either(template.schedulerName, workflow.schedulerName),
    priorityClassName,
    securityContext: either(template.securityContext, workflow.securityContext),
    serviceAccountName: either(template.serviceAccountName, workflow.serviceAccountName),
    automountServiceAccountToken: template.automountServiceAccountToken ?? workflow.automountServiceAccountToken,
    resources: either(template.podResources, workflow.podResources),
    resourceClaims: either(template.resourceClaims, workflow.resourceClaims),
    hostAliases: hostAliases.length === 0 ? undefined : hostAliases,
    imagePullSecrets: either(undefined, workflow.imagePullSecrets),
    hostNetwork: workflow.hostNetwork,
    dnsPolicy: either(undefined, workflow.dnsPolicy),
    dnsConfig: either(undefined, workflow.dnsConfig),
  });
}

function secondsOf(value: number | string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds : undefined;
}
