import { type EnvVar, type KubernetesObject } from '#libs/workflow-spec';

import type { PodManifest, PodWork } from '../contract.js';
import { progressSeconds } from '../progress.js';
import { longTextVariables } from './long-text.js';

/** Names under which the executor's containers find what they have to do; services/executor reads them. */
export const ExecutorVariable = {
  /** A line for each wrapped container: name, role (`main` or `sidecar`), what of its output is kept (`none`, `stdout`, `combined`). */
  containers: 'ARGOSY_CONTAINERS',
  /** A line for each edge of a container set: a member, and one that must have ended well before it. */
  graph: 'ARGOSY_GRAPH',
  /** `true` where `wait` is in the pod: no program begins without it. */
  followed: 'ARGOSY_FOLLOWED',
  /** Restarts of a member's program and the seconds between them. */
  retry: 'ARGOSY_RETRY',
  /** The container whose files are the outputs. */
  outputContainer: 'ARGOSY_OUTPUT_CONTAINER',
  /** A line for each path that is copied out of that container: `parameters` or `artifacts`, its index, the path. */
  outputs: 'ARGOSY_OUTPUTS',
  /** A line for each parameter on a volume: its index, and the path in `wait`. */
  mirrored: 'ARGOSY_MIRRORED',
  /** `true` where standard output is the result. */
  result: 'ARGOSY_RESULT',
  /** `true` where artifacts or logs move, which takes the executor's program. */
  moves: 'ARGOSY_MOVES',
  graceSeconds: 'ARGOSY_GRACE_SECONDS',
  /** Seconds between two looks at the progress of the program. */
  progress: 'ARGOSY_PROGRESS_SECONDS',
  /** The script's source, in parts. */
  script: 'ARGOSY_SCRIPT',
  /** The pod's work and what the output container mounts, as JSON in parts. */
  pod: 'ARGOSY_POD',
} as const;

/** What the program of the executor is told of its pod. */
export interface ExecutorPod {
  work: PodWork;
  /** The user's containers and what they mount, without the executor's own folder. */
  containers: { name: string; mounts: { volume: string; path: string }[] }[];
}

type Mount = KubernetesObject & { name: string; mountPath: string };
/** A container with the mounts that it has in the cluster. */
export interface MountedContainer {
  name: string;
  volumeMounts?: Mount[];
  env?: EnvVar[];
}

export interface ExecutorOrders {
  manifest: PodManifest;
  /** Containers of the user's beside init containers, as the cluster gets them. */
  containers: readonly MountedContainer[];
  /** Folder of the executor in the pod, which is no volume of the user's. */
  sharedFolder: string;
  /** Where `wait` finds the volumes of the output container. */
  mirrorFolder: string;
}

/** The container whose files and standard output are the node's: `main`, or the first member of a set. */
export const outputContainerName = ({ mainContainers = ['main'] }: PodWork): string =>
  mainContainers.includes('main') ? 'main' : (mainContainers[0] ?? 'main');

/** Variables of `init`: what the wrappers of the containers are to do, the script, and inputs. */
export function initVariables(orders: ExecutorOrders): EnvVar[] {
  const { work } = orders.manifest;
  return [
    lines(ExecutorVariable.containers, wrappedContainers(orders)),
    lines(ExecutorVariable.graph, graphLines(work)),
    ...(work.executorContainers?.includes('wait') === true ? [plain(ExecutorVariable.followed, 'true')] : []),
    ...(work.containerRetry === undefined ? [] : [plain(ExecutorVariable.retry, retryText(work.containerRetry))]),
    plain(ExecutorVariable.outputContainer, outputContainerName(work)),
    lines(ExecutorVariable.outputs, copiedOutputs(orders)),
    plain(ExecutorVariable.graceSeconds, String(graceSeconds(orders.manifest))),
    ...(work.scriptSource === undefined ? [] : longTextVariables(ExecutorVariable.script, work.scriptSource)),
    ...(work.inputArtifacts.length === 0 ? [] : [plain(ExecutorVariable.moves, 'true'), ...podVariables(orders)]),
  ].filter((variable) => variable.value !== '');
}

/** Variables of `wait`: what it captures. `configured`: those that the installation gives all executors. */
export function waitVariables(orders: ExecutorOrders, configured: readonly EnvVar[]): EnvVar[] {
  const { work } = orders.manifest;
  const moves = work.outputArtifacts.length > 0 || work.archiveLogs;
  return [
    lines(ExecutorVariable.containers, wrappedContainers(orders)),
    plain(ExecutorVariable.outputContainer, outputContainerName(work)),
    lines(ExecutorVariable.mirrored, mirroredParameters(orders)),
    plain(ExecutorVariable.graceSeconds, String(graceSeconds(orders.manifest))),
    ...(work.captureResult ? [plain(ExecutorVariable.result, 'true')] : []),
    ...(moves ? [plain(ExecutorVariable.moves, 'true')] : []),
    plain(ExecutorVariable.progress, String(progressSeconds([...outputEnvironment(orders), ...configured]))),
    ...podVariables(orders),
  ].filter((variable) => variable.value !== '');
}

const outputEnvironment = ({ manifest: { work }, containers }: ExecutorOrders): EnvVar[] =>
  containers.find(({ name }) => name === outputContainerName(work))?.env ?? [];

const plain = (name: string, value: string): EnvVar => ({ name, value: value.replaceAll('$', '$$$$') });
const lines = (name: string, texts: readonly string[]): EnvVar => plain(name, texts.join('\n'));

function wrappedContainers({ manifest: { work }, containers }: ExecutorOrders): string[] {
  const mains = new Set(work.mainContainers ?? ['main']);
  const output = outputContainerName(work);
  const kept = (name: string): string => {
    if (mains.has(name) && work.archiveLogs) return 'combined';
    return name === output && work.captureResult ? 'stdout' : 'none';
  };
  return containers.map(({ name }) => `${name} ${mains.has(name) ? 'main' : 'sidecar'} ${kept(name)}`);
}

const graphLines = ({ containerGraph = [] }: PodWork): string[] =>
  containerGraph.flatMap(({ name, dependencies }) => dependencies.map((before) => `${name} ${before}`));

const retryText = ({ retries, durationMs }: NonNullable<PodWork['containerRetry']>): string => `${retries} ${durationMs / 1_000}`;

const graceSeconds = ({ spec, work }: PodManifest): number => {
  const written = spec['terminationGracePeriodSeconds'];
  return typeof written === 'number' ? written : work.terminationGracePeriodSeconds;
};

/** Volumes of the user's around a path of the output container. */
function isMounted(path: string, { manifest, containers, sharedFolder }: ExecutorOrders): boolean {
  const container = containers.find(({ name }) => name === outputContainerName(manifest.work));
  return (container?.volumeMounts ?? []).some(({ mountPath }) => mountPath !== sharedFolder && isBelow(path, mountPath));
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder.replace(/\/+$/, '')}/`);

const parameterPaths = ({ outputParameters }: PodWork): { index: number; path: string }[] =>
  outputParameters.flatMap(({ valueFrom }, index) => (valueFrom?.path ? [{ index, path: valueFrom.path }] : []));

function copiedOutputs(orders: ExecutorOrders): string[] {
  const { work } = orders.manifest;
  const artifacts = work.outputArtifacts.flatMap(({ path }, index) => (path ? [{ index, path }] : []));
  const line = (kind: string) => (output: { index: number; path: string }) =>
    isMounted(output.path, orders) ? [] : [`${kind} ${output.index} ${output.path}`];
  return [...parameterPaths(work).flatMap(line('parameters')), ...artifacts.flatMap(line('artifacts'))];
}

const mirroredParameters = (orders: ExecutorOrders): string[] =>
  parameterPaths(orders.manifest.work)
    .filter(({ path }) => isMounted(path, orders))
    .map(({ index, path }) => `${index} ${orders.mirrorFolder}${path}`);

function podVariables({ manifest: { work }, containers, sharedFolder }: ExecutorOrders): EnvVar[] {
  // The source is no business of the program, and may be long.
  const { scriptSource: _source, ...rest } = work;
  const pod: ExecutorPod = {
    work: rest,
    containers: containers.map(({ name, volumeMounts = [] }) => ({
      name,
      mounts: volumeMounts
        .filter(({ mountPath }) => mountPath !== sharedFolder)
        .map(({ name: volume, mountPath }) => ({ volume, path: mountPath })),
    })),
  };
  return longTextVariables(ExecutorVariable.pod, JSON.stringify(pod));
}
