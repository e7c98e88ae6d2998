import type { KubernetesObject, ObjectMeta } from '#libs/workflow-spec';

import type { PodManifest, PodWork } from './contract.js';
import { SCRIPT_PATH } from './pod-containers.js';

/** Where Argo's executor and its pods find things (v4.1, workflow/common). */
const ExecutorPath = {
  shared: '/var/run/argo',
  inputs: '/argo/inputs/artifacts',
  staging: SCRIPT_PATH.slice(0, SCRIPT_PATH.lastIndexOf('/')),
  mainRoot: '/mainctrfs',
} as const;
const SHARED_VOLUME = 'var-run-argo';
const TEMPORARY_VOLUME = 'tmp-dir-argo';
const INPUTS_VOLUME = 'input-artifacts';
const STAGING_VOLUME = 'argo-staging';

type ExecutorName = 'init' | 'wait';
type Mount = KubernetesObject & { name: string; mountPath: string };
type PodContainer = KubernetesObject & { name: string; volumeMounts?: Mount[] };

export interface KubernetesPodOptions {
  /** What the executor's containers have beside their names, mounts and variables: image, command, pull policy, resources, security context. */
  executor: (name: ExecutorName) => KubernetesObject;
}

/** A Pod as an API server takes it. */
export interface KubernetesPod {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: ObjectMeta;
  spec: KubernetesObject;
}

/**
 * The manifest for a cluster: the markers of the executor become containers with Argo's volumes and mounts (createWorkflowPod,
 * addInputArtifactsVolumes, addScriptStagingVolume). A pod without executor containers is taken as it is. Fields and mounts that a patch
 * gave the markers stay; tags, image entrypoints and how the executor is told of `work` are the caller's.
 */
export function kubernetesPod(
  { apiVersion, kind, metadata, spec, work }: PodManifest,
  options: KubernetesPodOptions,
): KubernetesPod {
  if ((work.executorContainers ?? []).length === 0) return { apiVersion, kind, metadata, spec };
  return { apiVersion, kind, metadata, spec: withExecutor(spec, work, options) };
}

function withExecutor(spec: KubernetesObject, work: PodWork, options: KubernetesPodOptions): KubernetesObject {
  const executors = new Set(work.executorContainers);
  const mains = new Set(work.mainContainers ?? ['main']);
  const containers = containersOf(spec, 'containers').map((container) =>
    mains.has(container.name) ? mounting(container, stagedMounts(work, container)) : container,
  );
  const userMounts = containersOf(spec, 'containers').filter(({ name }) => mains.has(name));
  const mainMounts = containers.filter(({ name }) => mains.has(name)).flatMap(({ volumeMounts = [] }) => volumeMounts);
  const completed = (container: PodContainer): PodContainer => {
    const shared = mounting(container, [{ name: SHARED_VOLUME, mountPath: ExecutorPath.shared }]);
    if (!executors.has(container.name)) return shared;
    const name = container.name as ExecutorName;
    const own = name === 'init' ? initMounts(work, userMounts) : waitMounts(mainMounts);
    return mounting({ ...shared, ...options.executor(name), ...patched(container), env: executorEnvironment(name, work) }, own);
  };
  return {
    ...spec,
    initContainers: containersOf(spec, 'initContainers').map(completed),
    containers: containers.map(completed),
    volumes: volumesOf(spec, work),
  };
}

const containersOf = (spec: KubernetesObject, field: string): PodContainer[] => (spec[field] ?? []) as PodContainer[];

/** What a `podSpecPatch` wrote into a marker goes before what the executor has by itself. */
const patched = ({ image: _image, command: _command, ...rest }: PodContainer): PodContainer => rest;

function mounting(container: PodContainer, mounts: readonly Mount[]): PodContainer {
  const own = container.volumeMounts ?? [];
  const taken = new Set(own.map(({ mountPath }) => mountPath));
  return { ...container, volumeMounts: [...own, ...mounts.filter(({ mountPath }) => !taken.has(mountPath))] };
}

/** The mount of the user's in which a path lies. */
const mountAround = (path: string, { volumeMounts = [] }: PodContainer): Mount | undefined =>
  volumeMounts.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath.replace(/\/$/, '')}/`));

/** Where main containers find what was staged for them; an artifact inside of a volume is put there and needs no mount. */
const stagedMounts = (work: PodWork, container: PodContainer): Mount[] => [
  ...work.inputArtifacts.flatMap(({ name, path }): Mount[] =>
    path === undefined || mountAround(path, container) !== undefined
      ? []
      : [{ name: INPUTS_VOLUME, mountPath: path, subPath: name }],
  ),
  ...(work.scriptSource === undefined ? [] : [{ name: STAGING_VOLUME, mountPath: ExecutorPath.staging }]),
];

const mirrored = (mount: Mount): Mount => ({ ...mount, mountPath: `${ExecutorPath.mainRoot}${mount.mountPath}` });

const initMounts = (work: PodWork, mains: readonly PodContainer[]): Mount[] => [
  ...(work.inputArtifacts.length === 0 ? [] : [{ name: INPUTS_VOLUME, mountPath: ExecutorPath.inputs }]),
  ...mains.flatMap((container) =>
    work.inputArtifacts.flatMap(({ path = '' }) => mountAround(path, container) ?? []).map(mirrored),
  ),
  ...(work.scriptSource === undefined ? [] : [{ name: STAGING_VOLUME, mountPath: ExecutorPath.staging }]),
];

/** The executor sees what the main containers mount, below a folder of its own. */
const waitMounts = (mainMounts: readonly Mount[]): Mount[] => [
  ...mainMounts.map(mirrored),
  { name: TEMPORARY_VOLUME, mountPath: '/tmp', subPath: '0' },
];

function volumesOf(spec: KubernetesObject, work: PodWork): KubernetesObject[] {
  const written = (spec['volumes'] ?? []) as KubernetesObject[];
  const wanted = [
    SHARED_VOLUME,
    TEMPORARY_VOLUME,
    ...(work.inputArtifacts.length === 0 ? [] : [INPUTS_VOLUME]),
    ...(work.scriptSource === undefined ? [] : [STAGING_VOLUME]),
  ];
  const known = new Set(written.map(({ name }) => name));
  return [...written, ...wanted.filter((name) => !known.has(name)).map((name) => ({ name, emptyDir: {} }))];
}

const fieldOf = (fieldPath: string): KubernetesObject => ({ fieldRef: { fieldPath } });

const executorEnvironment = (name: ExecutorName, work: PodWork): KubernetesObject[] => [
  { name: 'ARGO_POD_NAME', valueFrom: fieldOf('metadata.name') },
  { name: 'ARGO_POD_UID', valueFrom: fieldOf('metadata.uid') },
  { name: 'ARGO_WORKFLOW_NAME', value: work.workflowName },
  { name: 'ARGO_WORKFLOW_UID', value: work.workflowUid },
  { name: 'ARGO_CONTAINER_NAME', value: name },
  { name: 'ARGO_NODE_ID', value: work.nodeId },
];
