import { fnv1a32, FinalizerName, type KubernetesObject, LabelName } from '#libs/workflow-spec';
import {
  identityLabels,
  kubernetesPod,
  type KubernetesPod,
  type KubernetesPodOptions,
  MAIN_CONTAINER,
  type PodManifest,
} from '#libs/pod-spec';

import type { PodIdentity } from '../contract.js';
import { PodMark, SHARD_COUNT } from './pod-marks.js';

export interface ClusterPodOptions extends KubernetesPodOptions {
  /** The workflow is an object of the cluster. The collector of the cluster deletes what belongs to an object that is not there. */
  isOwnerThere: boolean;
  /** Stands on the pod as Argo's label. */
  instanceId?: string;
}

const named = (value: unknown): { name: string }[] => (value ?? []) as { name: string }[];

/** The part of all pods in which those of a workflow are watched. */
export const shardOf = (workflowUid: string): number => fnv1a32(workflowUid) % SHARD_COUNT;

/**
 * The Pod that is made of a manifest: what libs/pod-spec makes of it, with our identity, the marks by which it is found and read again, and a
 * finalizer that keeps it until its end is recorded.
 */
export function clusterPod(identity: PodIdentity, manifest: PodManifest, options: ClusterPodOptions): KubernetesPod {
  const pod = kubernetesPod(withMarkers(manifest), options);
  const { ownerReferences = [], ...metadata } = pod.metadata;
  const { spec } = pod;
  const mains = manifest.work.mainContainers ?? [MAIN_CONTAINER];
  const isMainAlone = mains.length === 1 && mains[0] === MAIN_CONTAINER;
  return {
    ...pod,
    spec,
    metadata: {
      ...metadata,
      ...(options.isOwnerThere ? { ownerReferences } : {}),
      labels: {
        [LabelName.completed]: 'false',
        ...metadata.labels,
        ...identityLabels(identity),
        ...(options.instanceId === undefined ? {} : { [LabelName.controllerInstanceId]: options.instanceId }),
        [PodMark.shard]: String(shardOf(identity.workflowUid)),
      },
      annotations: {
        ...metadata.annotations,
        ...(isMainAlone ? {} : { [PodMark.mains]: mains.join(',') }),
        ...(manifest.work.containerGraph === undefined ? {} : { [PodMark.set]: 'true' }),
        [PodMark.containers]: named(spec['containers'])
          .map(({ name }) => name)
          .join(','),
      },
      finalizers: [...(metadata.finalizers ?? []), FinalizerName.podStatus],
    },
  };
}

/**
 * Rows of older versions, and pods that were not built by libs/pod-spec, have no marks of the executor where several containers stand together or
 * outputs are captured.
 */
function withMarkers(manifest: PodManifest): PodManifest {
  const { spec, work } = manifest;
  const executors = work.executorContainers ?? [];
  const isCaptured =
    work.captureResult || work.archiveLogs || work.outputParameters.length > 0 || work.outputArtifacts.length > 0;
  const users = named(spec['containers']).filter(({ name }) => !executors.includes(name));
  const needed = [
    ...(users.length > 1 || isCaptured || executors.length > 0 ? ['init'] : []),
    ...(isCaptured || executors.includes('wait') ? ['wait'] : []),
  ];
  const marked = (field: string, name: string): KubernetesObject[] => {
    const written = (spec[field] ?? []) as (KubernetesObject & { name: string })[];
    const isMissing = needed.includes(name) && !written.some((container) => container.name === name);
    return isMissing ? [{ name, image: 'argosy' }, ...written] : written;
  };
  if (needed.length === 0) return manifest;
  return {
    ...manifest,
    spec: { ...spec, initContainers: marked('initContainers', 'init'), containers: marked('containers', 'wait') },
    work: { ...work, executorContainers: needed },
  };
}
