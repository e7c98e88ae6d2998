import { AnnotationName, fnv1a32, type ObjectMeta, utf8Bytes } from '#libs/workflow-spec';

/** Labels that make a pod ours whatever its name is (architecture, law 4). They stand beside Argo's own labels. */
export const IdentityLabel = {
  workflowUid: 'argosy.dev/workflow-uid',
  node: 'argosy.dev/node',
  incarnation: 'argosy.dev/incarnation',
} as const;

/** Label of pods that one program alone runs and follows, with its name: they are no workflow's own. */
export const HOST_LABEL = 'argosy.dev/host';

const LABEL_VALUE_MAX_BYTES = 63;

/** The three parts of a pod's identity; only a pod with all three equal is the same pod. */
export interface PodIdentityParts {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
}

/** Labels by which a pod of this identity is found. A node id too long for a label value stands there as its hash; the annotation has it whole. */
export function identityLabels(identity: PodIdentityParts): Record<string, string> {
  const fits = [...utf8Bytes(identity.nodeId)].length <= LABEL_VALUE_MAX_BYTES;
  return {
    [IdentityLabel.workflowUid]: identity.workflowUid,
    [IdentityLabel.node]: fits ? identity.nodeId : `h-${fnv1a32(identity.nodeId)}`,
    [IdentityLabel.incarnation]: String(identity.incarnation),
  };
}

/** The identity that a pod's labels and its node-id annotation carry; null where one of the parts is missing: a stranger's pod. */
export function identityFromMetadata(metadata: Pick<ObjectMeta, 'labels' | 'annotations'>): PodIdentityParts | null {
  const workflowUid = metadata.labels?.[IdentityLabel.workflowUid];
  const incarnation = Number(metadata.labels?.[IdentityLabel.incarnation] ?? Number.NaN);
  const nodeId = metadata.annotations?.[AnnotationName.nodeId];
  if (workflowUid === undefined || nodeId === undefined || !Number.isInteger(incarnation)) return null;
  return { workflowUid, nodeId, incarnation };
}
