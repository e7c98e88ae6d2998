import { type KubernetesObject, UserError } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';
import type { BuildPodInput, PodManifest } from './contract.js';
import { identityLabels } from './identity.js';
import { bareWork } from './pod-work.js';

interface BareInput {
  workflow: BuildPodInput['workflow'];
  orderId: string;
  incarnation: number;
  name: string;
  more: { claim?: KubernetesObject; refusal?: string };
}

function barePod({ workflow, orderId, incarnation, name, more }: BareInput): PodManifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: workflow.namespace,
      labels: identityLabels({ workflowUid: workflow.uid, nodeId: orderId, incarnation }),
    },
    spec: { containers: [], restartPolicy: 'Never' },
    work: bareWork(workflow, orderId, more),
  };
}

/** The pod of an order; where the user's spec makes it impossible (a patch that cannot be applied), a row that carries the reason to the node. */
export function podOrRefusal(input: BuildPodInput): PodManifest {
  try {
    return buildPod(input);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { nodeId, incarnation, podName } = input.order;
    return barePod({ workflow: input.workflow, orderId: nodeId, incarnation, name: podName, more: { refusal: error.message } });
  }
}

/** The row by which a claim is made and deleted: it stands among the pods and has their identity. */
export function claimRow(
  workflow: BuildPodInput['workflow'],
  order: { orderId: string; incarnation: number; claimName: string; claim: KubernetesObject },
): PodManifest {
  const { orderId, incarnation, claimName, claim } = order;
  return barePod({ workflow, orderId, incarnation, name: claimName, more: { claim } });
}
