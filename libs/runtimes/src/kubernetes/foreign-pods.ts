import { type ApiObject, KubernetesConflictError, type KubernetesApi, KubernetesNotFoundError } from '#libs/kubernetes';
import { IdentityLabel, identityFromMetadata, identityLabels, MAIN_CONTAINER, type PodManifest } from '#libs/pod-spec';
import { AnnotationName, FinalizerName, LabelName } from '#libs/workflow-spec';

import type { PodIdentity } from '../contract.js';
import { shardOf } from './cluster-pod.js';
import { type ObservedPod, observedPod } from './observed-pod.js';
import { PodMark } from './pod-marks.js';

const PODS = { apiVersion: 'v1', plural: 'pods' } as const;
/** The container of Argo's executor that ends last. */
const WAIT_CONTAINER = 'wait';

/** The pod that is to be adopted, and by whom. */
export interface Adoption {
  identity: PodIdentity;
  manifest: PodManifest;
}

const isOwnedBy = ({ ownerReferences = [] }: ApiObject['metadata'], uid: string): boolean =>
  ownerReferences.some((owner) => owner.kind === 'Workflow' && owner.uid === uid);

/** Whether a pod is that of the node: it names the node, and belongs to this very workflow and not to another of the name. */
export const isPodOfNode = ({ metadata }: ApiObject, { workflowUid, nodeId }: PodIdentity): boolean => {
  const { labels = {}, annotations = {} } = metadata;
  if (annotations[AnnotationName.nodeId] !== nodeId) return false;
  return labels[IdentityLabel.workflowUid] === workflowUid || isOwnedBy(metadata, workflowUid);
};

/** Whether nobody of ours has made it: its outputs are in the WorkflowTaskResult of Argo's executor. */
export const isForeign = ({ metadata }: ApiObject): boolean => metadata.labels?.[IdentityLabel.workflowUid] === undefined;

const namesOf = (pod: ApiObject): string[] =>
  ((pod['spec'] as { containers?: { name: string }[] } | undefined)?.containers ?? []).map(({ name }) => name);

/** Those that were ordered: of what else is in the pod nobody knows when it ends. */
const orderedContainers = (pod: ApiObject, manifest: PodManifest, mains: readonly string[]): string[] => {
  const ordered = (manifest.spec['containers'] ?? []) as { name: string }[];
  const names = new Set([...mains, WAIT_CONTAINER, ...ordered.map(({ name }) => name)]);
  return namesOf(pod).filter((name) => names.has(name));
};

/** The marks by which the pod is found and read from now on, as if it were made here. */
export const adoptionPatch = (pod: ApiObject, { identity, manifest }: Adoption): object => {
  const { uid, finalizers = [], deletionTimestamp } = pod.metadata;
  const { work } = manifest;
  const mains = work.mainContainers ?? [MAIN_CONTAINER];
  const isMainAlone = mains.length === 1 && mains[0] === MAIN_CONTAINER;
  // A finalizer cannot be added to what is being deleted.
  const isHeld = finalizers.includes(FinalizerName.podStatus) || deletionTimestamp !== undefined;
  return {
    metadata: {
      uid,
      labels: {
        ...identityLabels(identity),
        [PodMark.shard]: String(shardOf(identity.workflowUid)),
        [LabelName.completed]: 'false',
      },
      ...(isForeign(pod)
        ? {
            annotations: {
              [PodMark.outputs]: 'task-result',
              [PodMark.containers]: orderedContainers(pod, manifest, mains).join(','),
              ...(isMainAlone ? {} : { [PodMark.mains]: mains.join(',') }),
              ...(work.containerGraph === undefined ? {} : { [PodMark.set]: 'true' }),
            },
          }
        : {}),
      ...(isHeld ? {} : { finalizers: [...finalizers, FinalizerName.podStatus] }),
    },
  };
};

const unlessGone = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubernetesNotFoundError || error instanceof KubernetesConflictError) return undefined;
    throw error;
  }
};

/**
 * Makes a pod ours that Argo's controller, or an earlier incarnation, has made for the node: one patch that carries its UID. Repeating it
 * changes nothing. Undefined where the pod is not the node's, or is gone meanwhile.
 */
export const adoptPod = async (api: KubernetesApi, pod: ApiObject, adoption: Adoption): Promise<ObservedPod | undefined> => {
  if (!isPodOfNode(pod, adoption.identity)) return undefined;
  const known = identityFromMetadata(pod.metadata);
  if (known?.incarnation === adoption.identity.incarnation) return observedPod(pod);
  const { name, namespace = '' } = pod.metadata;
  const patch = adoptionPatch(pod, adoption);
  const adopted = await unlessGone(api.patch<ApiObject>({ ...PODS, namespace, name }, patch, { type: 'merge' }));
  return adopted === undefined ? undefined : observedPod(adopted);
};

/** The pod of a node: under its expected name, or under the one that another naming of pods has given it. */
export const findPodOfNode = async (api: KubernetesApi, { identity, manifest }: Adoption): Promise<ApiObject | undefined> => {
  const { name = '', namespace = '' } = manifest.metadata;
  const expected = await unlessGone(api.get<ApiObject>({ ...PODS, namespace, name }));
  if (expected !== undefined && isPodOfNode(expected, identity)) return expected;
  const labelSelector = `${LabelName.workflow}=${manifest.work.workflowName}`;
  for await (const page of api.pages<ApiObject>({ ...PODS, namespace }, { labelSelector })) {
    const found = page.items.find((pod) => isPodOfNode(pod, identity));
    if (found !== undefined) return found;
  }
  return undefined;
};
