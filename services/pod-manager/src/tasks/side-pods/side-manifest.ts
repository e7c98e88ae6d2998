import { identityLabels, type PodManifest } from '#libs/pod-spec';
import type { PodIdentity } from '#libs/runtimes';
import { AnnotationName, type Artifact, type KubernetesObject, type ObjectMeta } from '#libs/workflow-spec';

export interface SideManifestInput {
  identity: PodIdentity;
  metadata: ObjectMeta & { name: string; namespace: string };
  spec: KubernetesObject;
  mainContainers: string[];
  /** Files that are put into `main` before it starts. */
  files?: Artifact[];
  graceSeconds: number;
  /** A network namespace of its own. */
  network?: 'own';
}

/** The manifest of a pod that belongs to no node: nothing of it is captured. */
export const sideManifest = ({
  identity,
  metadata,
  spec,
  mainContainers,
  files = [],
  graceSeconds,
  network,
}: SideManifestInput): PodManifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    ...metadata,
    labels: { ...metadata.labels, ...identityLabels(identity) },
    annotations: { ...metadata.annotations, [AnnotationName.nodeId]: identity.nodeId },
  },
  spec: { ...spec, restartPolicy: 'Never' },
  work: {
    workflowName: '',
    workflowNamespace: metadata.namespace,
    workflowUid: identity.workflowUid,
    nodeId: identity.nodeId,
    mainContainers,
    inputArtifacts: files,
    outputParameters: [],
    outputArtifacts: [],
    captureResult: false,
    archiveLogs: false,
    terminationGracePeriodSeconds: graceSeconds,
    ...(network === undefined ? {} : { network }),
  },
});
