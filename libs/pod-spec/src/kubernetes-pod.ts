import {
  type Artifact,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type EnvVar,
  type KubernetesObject,
  type ObjectMeta,
} from '#libs/workflow-spec';

import { credentialVolumes } from './cluster/credential-volumes.js';
import { type ExecutorOrders, initVariables, outputContainerName, waitVariables } from './cluster/executor-variables.js';
import { type ImageProgram, leavesProgramToImage, wrappedContainer } from './cluster/wrapped-container.js';
import type { PodManifest, PodWork } from './contract.js';
import { PodProgramError } from './errors.js';
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
type PodContainer = KubernetesObject & {
  name: string;
  image?: string;
  command?: string[];
  args?: string[];
  volumeMounts?: Mount[];
};

export interface KubernetesPodOptions {
  /** What the executor's containers have beside their names, mounts and variables: image, command, pull policy, resources, security context. */
  executor: (name: ExecutorName) => KubernetesObject;
  /** What the images of containers without a command run, by image; absent: their containers are left as they are. */
  programs?: ReadonlyMap<string, ImageProgram>;
  /** The executor finds the Secrets of artifact stores mounted, as Argo's does; else it is told otherwise how it gets at them. */
  mountsCredentials?: boolean;
  /** Further variables of the executor's containers. */
  variables?: readonly EnvVar[];
}

/** How the program of a user's container is started where something has to happen around it: a busybox and a script that `init` puts there. */
const WRAPPER = [`${ExecutorPath.shared}/busybox`, 'sh', `${ExecutorPath.shared}/run`] as const;

/** A Pod as an API server takes it. */
export interface KubernetesPod {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: ObjectMeta;
  spec: KubernetesObject;
}

/**
 * The manifest for a cluster: the markers of the executor become containers with Argo's volumes and mounts (createWorkflowPod,
 * addInputArtifactsVolumes, addScriptStagingVolume), and the programs of the user's containers run behind a wrapper. A pod without executor
 * containers stays as it is, but its processes share one namespace, since a program that is process 1 would not hear of its end. Fields and mounts that
 * a patch gave the markers stay. Throws PodProgramError where nobody says what a container runs.
 */
export function kubernetesPod(manifest: PodManifest, options: KubernetesPodOptions): KubernetesPod {
  const { apiVersion, kind, metadata, spec, work } = manifest;
  const isLean = (work.executorContainers ?? []).length === 0;
  return { apiVersion, kind, metadata, spec: isLean ? leanSpec(spec) : withExecutor(manifest, options) };
}

/** Images that must be known before the pod can be made: those of wrapped containers without a command. */
export function imagesToKnow({ spec, work }: PodManifest): string[] {
  const executors = work.executorContainers ?? [];
  if (executors.length === 0) return [];
  const left = containersOf(spec, 'containers').filter(
    (container) => !executors.includes(container.name) && leavesProgramToImage(container),
  );
  return [...new Set(left.map(({ image = '' }) => image))];
}

const leanSpec = (spec: KubernetesObject): KubernetesObject =>
  spec['shareProcessNamespace'] === undefined && spec['hostPID'] !== true ? { ...spec, shareProcessNamespace: true } : spec;

function withExecutor(manifest: PodManifest, options: KubernetesPodOptions): KubernetesObject {
  const { spec, work } = manifest;
  const executors = new Set(work.executorContainers);
  const mains = new Set(work.mainContainers ?? ['main']);
  const containers = containersOf(spec, 'containers').map((container) =>
    mains.has(container.name) ? mounting(container, stagedMounts(work, container)) : container,
  );
  const users = containers.filter(({ name }) => !executors.has(name));
  const userMounts = containersOf(spec, 'containers').filter(({ name }) => mains.has(name));
  const output = outputContainerName(work);
  const mainMounts = containers
    .filter(({ name }) => mains.has(name))
    .sort((left, right) => Number(right.name === output) - Number(left.name === output))
    .flatMap(({ volumeMounts = [] }) => volumeMounts);
  const credentials = options.mountsCredentials === true ? credentialVolumes(work) : { volumes: [], mounts: [] };
  const orders: ExecutorOrders = {
    manifest,
    containers: users,
    sharedFolder: ExecutorPath.shared,
    mirrorFolder: ExecutorPath.mainRoot,
  };
  const completed = (container: PodContainer): PodContainer => {
    const shared = mounting(container, [{ name: SHARED_VOLUME, mountPath: ExecutorPath.shared }]);
    if (!executors.has(container.name)) return shared;
    const name = container.name as ExecutorName;
    const own = name === 'init' ? initMounts(work, userMounts) : waitMounts(mainMounts);
    const given = options.executor(name);
    const more = (given['env'] ?? []) as unknown as EnvVar[];
    const told = name === 'init' ? initVariables(orders) : waitVariables(orders, more);
    const env = [
      ...executorEnvironment(name, work),
      ...more,
      ...(options.variables ?? []),
      ...told,
    ] as unknown as KubernetesObject[];
    const confined = confinement(spec);
    return mounting({ ...shared, ...confined, ...given, ...patched(container), env }, [...own, ...credentials.mounts]);
  };
  return {
    ...spec,
    initContainers: containersOf(spec, 'initContainers').map(completed),
    containers: containers.map((container) => wrapped(completed(container), executors, options.programs)),
    volumes: [...volumesOf(spec, work), ...credentials.volumes],
  };
}

/**
 * The executor has nothing to lose by it in a pod whose users are not root, and clusters admit such a pod to namespaces of the standard `restricted` by it alone. What the
 * configuration or a patch says goes before it.
 */
const confinement = (spec: KubernetesObject): KubernetesObject =>
  (spec['securityContext'] as KubernetesObject | undefined)?.['runAsNonRoot'] === true
    ? { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }
    : {};

function wrapped(
  container: PodContainer,
  executors: ReadonlySet<string>,
  programs: KubernetesPodOptions['programs'],
): PodContainer {
  if (executors.has(container.name) || programs === undefined) return container;
  const image = container.image ?? '';
  const found = wrappedContainer(container, WRAPPER, programs.get(image));
  if (found === undefined) throw new PodProgramError(container.name, image);
  return found;
}

const containersOf = (spec: KubernetesObject, field: string): PodContainer[] => (spec[field] ?? []) as PodContainer[];

/** What a `podSpecPatch` wrote into a marker goes before what the executor has by itself. */
const patched = ({ image: _image, command: _command, ...rest }: PodContainer): PodContainer => rest;

/** The first mount of a path stays: members of a set may mount the same volume. */
function mounting(container: PodContainer, mounts: readonly Mount[]): PodContainer {
  const volumeMounts = [...(container.volumeMounts ?? [])];
  for (const mount of mounts) if (!volumeMounts.some(({ mountPath }) => mountPath === mount.mountPath)) volumeMounts.push(mount);
  return { ...container, volumeMounts };
}

/** The mount of the user's in which a path lies: the innermost of them. */
const mountAround = (path: string, { volumeMounts = [] }: PodContainer): Mount | undefined =>
  volumeMounts
    .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath.replace(/\/$/, '')}/`))
    .sort((left, right) => right.mountPath.length - left.mountPath.length)[0];

/** Where main containers find what was staged for them; an artifact inside of a volume is put there and needs no mount. */
const stagedMounts = (work: PodWork, container: PodContainer): Mount[] => [
  ...work.inputArtifacts.flatMap((artifact): Mount[] => {
    const { name, path } = artifact;
    return path === undefined || mountAround(path, container) !== undefined || isLeftOut(artifact)
      ? []
      : [{ name: INPUTS_VOLUME, mountPath: path, subPath: name }];
  }),
  ...(work.scriptSource === undefined ? [] : [{ name: STAGING_VOLUME, mountPath: ExecutorPath.staging }]),
];

/** An optional input of which nobody says where it is, or says it with nothing (`url: ''`): a mount of nothing would be an empty folder. */
const isLeftOut = (artifact: Artifact): boolean =>
  artifact.optional === true &&
  artifactDriverKinds(artifact).every(
    (kind) => artifactKeyField(kind) !== undefined && artifactKeyOf(artifact, kind) === undefined,
  );

const mirrored = (mount: Mount): Mount => ({ ...mount, mountPath: `${ExecutorPath.mainRoot}${mount.mountPath}` });

const initMounts = (work: PodWork, mains: readonly PodContainer[]): Mount[] => [
  ...(work.inputArtifacts.length === 0 ? [] : [{ name: INPUTS_VOLUME, mountPath: ExecutorPath.inputs }]),
  ...mains.flatMap((container) =>
    work.inputArtifacts.flatMap(({ path = '' }) => mountAround(path, container) ?? []).map(mirrored),
  ),
  ...(work.scriptSource === undefined ? [] : [{ name: STAGING_VOLUME, mountPath: ExecutorPath.staging }]),
];

/** The executor sees what the main containers mount, below a folder of its own; of two mounts of one path that of the container with the outputs, which comes first. */
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
