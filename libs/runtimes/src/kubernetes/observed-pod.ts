import type { ApiObject } from '#libs/kubernetes';
import { ExecutorVariable, identityFromMetadata, longTextOf } from '#libs/pod-spec';
import { AnnotationName, FinalizerName, type KubernetesObject } from '#libs/workflow-spec';

import type { PodIdentity } from '../contract.js';
import { SKIPPED_EXIT } from '../pod-ends.js';
import { progressOf } from '../progress.js';
import { PodMark, SHORTEST_DEADLINE_SECONDS } from './pod-marks.js';

/** State of one container as the kubelet tells it. */
export interface ObservedContainer {
  name: string;
  isInit: boolean;
  /** An init container that goes on beside the others (`restartPolicy: Always`); the kubelet ends it when they have ended, however it takes that. */
  isNativeSidecar: boolean;
  isReady: boolean;
  /** Its kubelet has set out to start it more than once, and knows of no end. */
  isStartedAnew?: boolean;
  waiting?: { reason: string; message: string };
  isRunning: boolean;
  startedAtMs?: number;
  ended?: { exitCode: number; reason: string; message: string; startedAtMs?: number; finishedAtMs?: number };
}

/** What this runtime needs of a pod, and all of it that stays in memory between its arrival and its report. */
export interface ObservedPod {
  identity: PodIdentity;
  namespace: string;
  name: string;
  uid: string;
  /** What is read here is of this version. */
  resourceVersion: string;
  /** Names of the containers whose end decides the pod, in order. */
  mains: string[];
  isContainerSet: boolean;
  /** The containers that were ordered; others were injected by somebody else. Undefined for pods that do not say. */
  ordered?: string[];
  phase: string;
  reason: string;
  message: string;
  unschedulable?: string;
  isDeleted: boolean;
  /** The pod carries our finalizer: its end has not been recorded. */
  isHeld: boolean;
  finalizers: string[];
  /** Why this runtime asked it to end. */
  endCause?: string;
  /** Containers that have failed are started again (`restartPolicy`, which a patch may set). */
  isRestarting?: boolean;
  /** How long its containers may take to end, in seconds. */
  graceSeconds?: number;
  /** Its kubelet has been told to end it. */
  isToldToEnd?: boolean;
  /** Its outputs are in the WorkflowTaskResult of its node. */
  leavesTaskResult?: boolean;
  podIP?: string;
  /** `N/M`, as its executor or itself has written it. */
  progress?: string;
  nodeName?: string;
  startedAtMs?: number;
  containers: ObservedContainer[];
  /** The work of the pod as JSON, where `wait` has ended. */
  executorPod?: string;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; reason?: string; message?: string; startedAt?: string; finishedAt?: string };
}
interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}
interface PodStatus {
  phase?: string;
  reason?: string;
  message?: string;
  podIP?: string;
  startTime?: string;
  conditions?: { type: string; status: string; reason?: string; message?: string }[];
  initContainerStatuses?: ContainerStatus[];
  containerStatuses?: ContainerStatus[];
}
interface PodSpec {
  nodeName?: string;
  activeDeadlineSeconds?: number;
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  initContainers?: { name: string; restartPolicy?: string }[];
  containers?: { name: string; env?: KubernetesObject[] }[];
}

/** Reads a pod of the API server; undefined for one that is not ours. */
export function observedPod(pod: ApiObject): ObservedPod | undefined {
  const { metadata } = pod;
  const identity = identityFromMetadata(metadata);
  if (identity === null) return undefined;
  const spec = (pod['spec'] ?? {}) as PodSpec;
  const status = (pod['status'] ?? {}) as unknown as PodStatus;
  return withoutAbsent({
    identity,
    ...fromMetadata(metadata),
    ...fromStatus(status, nativeSidecars(spec)),
    ...fromSpec(spec, status),
  });
}

type Part<Keys extends keyof ObservedPod> = { [Key in Keys]: ObservedPod[Key] | undefined };
type OfMetadata =
  | 'namespace'
  | 'name'
  | 'uid'
  | 'resourceVersion'
  | 'mains'
  | 'isContainerSet'
  | 'ordered'
  | 'endCause'
  | 'leavesTaskResult'
  | 'isDeleted'
  | 'isHeld'
  | 'finalizers'
  | 'progress';
type OfStatus = 'phase' | 'reason' | 'message' | 'unschedulable' | 'podIP' | 'startedAtMs' | 'containers';

function fromMetadata({
  namespace = '',
  name,
  uid = '',
  resourceVersion = '',
  annotations = {},
  finalizers = [],
  deletionTimestamp,
}: ApiObject['metadata']): Part<OfMetadata> {
  return {
    namespace,
    name,
    uid,
    resourceVersion,
    mains: annotations[PodMark.mains]?.split(',') ?? ['main'],
    isContainerSet: annotations[PodMark.set] === 'true',
    ordered: annotations[PodMark.containers]?.split(','),
    endCause: annotations[PodMark.endCause],
    progress: progressOf(annotations[AnnotationName.progress] ?? ''),
    leavesTaskResult: annotations[PodMark.outputs] === 'task-result' ? true : undefined,
    isDeleted: deletionTimestamp !== undefined,
    isHeld: finalizers.includes(FinalizerName.podStatus),
    finalizers,
  };
}

function fromStatus(status: PodStatus, natives: ReadonlySet<string>): Part<OfStatus> {
  const { phase = 'Pending', reason = '', message = '', podIP, startTime } = status;
  return {
    phase,
    reason,
    message,
    unschedulable: unschedulable(status),
    podIP,
    startedAtMs: timeOf(startTime),
    containers: [
      ...(status.initContainerStatuses ?? []).map((each) => ({
        ...observedContainer(each, true),
        isNativeSidecar: natives.has(each.name),
      })),
      ...(status.containerStatuses ?? []).map((each) => observedContainer(each, false)),
    ],
  };
}

const nativeSidecars = ({ initContainers = [] }: PodSpec): ReadonlySet<string> =>
  new Set(initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));

/** The work of the pod is read where it is needed: when the executor has ended. */
function fromSpec(
  { nodeName, activeDeadlineSeconds, terminationGracePeriodSeconds, restartPolicy, containers = [] }: PodSpec,
  { containerStatuses = [] }: PodStatus,
): Part<'nodeName' | 'isRestarting' | 'graceSeconds' | 'isToldToEnd' | 'executorPod'> {
  const hasEnded = containerStatuses.some(({ name, state }) => name === 'wait' && state?.terminated !== undefined);
  const variables = containers.find(({ name }) => name === 'wait')?.env ?? [];
  return {
    nodeName,
    isRestarting: restartPolicy === 'OnFailure' || restartPolicy === 'Always' ? true : undefined,
    graceSeconds: terminationGracePeriodSeconds,
    isToldToEnd: activeDeadlineSeconds === SHORTEST_DEADLINE_SECONDS ? true : undefined,
    executorPod: hasEnded ? longTextOf(ExecutorVariable.pod, variables) : undefined,
  };
}

function observedContainer(
  { name, ready, restartCount = 0, state = {}, lastState = {} }: ContainerStatus,
  isInit: boolean,
): ObservedContainer {
  const { waiting, running, terminated } = state;
  return withoutAbsent({
    name,
    isInit,
    isNativeSidecar: false,
    isReady: ready === true,
    isStartedAnew: restartCount > 0 && lastState.terminated === undefined ? true : undefined,
    waiting: waiting === undefined ? undefined : { reason: waiting.reason ?? '', message: waiting.message ?? '' },
    isRunning: running !== undefined,
    startedAtMs: timeOf(running?.startedAt ?? terminated?.startedAt),
    ended:
      terminated === undefined
        ? undefined
        : withoutAbsent({
            ...endOf(terminated),
            startedAtMs: timeOf(terminated.startedAt),
            finishedAtMs: timeOf(terminated.finishedAt),
          }),
  });
}

/** What a container runtime says of a program that is in no folder of PATH, or not at its own path. */
const ABSENT_PROGRAM = /exec: "[^"]*": (?:executable file not found in \$PATH|stat [^:]*: no such file or directory)/;

/** Behind a wrapper the same is an end with 64 and Argo's words, so it is without one. */
function endOf({ exitCode, reason = '', message = '' }: NonNullable<ContainerState['terminated']>): {
  exitCode: number;
  reason: string;
  message: string;
} {
  const absent = reason === 'StartError' || reason === 'ContainerCannotRun' ? ABSENT_PROGRAM.exec(message)?.[0] : undefined;
  if (absent === undefined) return { exitCode, reason, message };
  return { exitCode: SKIPPED_EXIT, reason: 'Error', message: `failed to find name in PATH: ${absent}` };
}

/** Kubernetes writes no time as null or as 1970. */
function timeOf(text: string | null | undefined): number | undefined {
  const ms = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

function unschedulable({ conditions = [] }: PodStatus): string | undefined {
  const found = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  return found?.reason === undefined ? undefined : [found.reason, found.message].filter(Boolean).join(': ');
}

/** The fields that have a value. */
function withoutAbsent<T extends object>(fields: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
