import type { ContainerReport, PodObservation } from '../contract.js';
import { containerMessage, DEADLINE_MESSAGE, exitMessage, isSidecarFailure } from '../end-messages.js';
import { NEVER_BEGAN as REASON, TERMINATED_EXIT } from '../pod-ends.js';
import { isCutOff, mayHaveRun } from './cut-off-start.js';
import type { ObservedContainer, ObservedPod } from './observed-pod.js';
import { EndCause } from './pod-marks.js';

/** A pod's report, without outputs; `isEnd` where nothing follows. */
export interface Assessment {
  report: Omit<PodObservation, 'identity'>;
  isEnd: boolean;
}

/** Kubernetes' reasons of a pod that never began, through no fault of its own. */
const NEVER_BEGAN = new Set(['Evicted', 'NodeShutdown', 'NodeAffinity', 'UnexpectedAdmissionError']);
/** Ordinary stages of a start, which Argo shows as messages for a moment. */
const ORDINARY = new Set(['ContainerCreating', 'PodInitializing', '']);
/** The message of a pod that somebody deleted. */
const DELETED_MESSAGE = 'pod deleted';

/**
 * What Argo would say of the pod (workflow/controller/operator.go assessNodeStatus, inferFailedReason). `isOverdue`: the kubelet has had its time to tell how
 * containers have ended.
 */
export function assessPod(pod: ObservedPod, isOverdue = false): Assessment {
  const common = commonReport(pod);
  if (!hasEnded(pod) || (isLingering(pod) && !isOverdue)) {
    const message = pod.phase === 'Pending' ? pendingMessage(pod) : undefined;
    const phase = pod.phase === 'Pending' ? 'Pending' : 'Running';
    return {
      isEnd: false,
      report: { ...common, phase, ready: isReady(pod), ...(message === undefined ? {} : { message }) },
    };
  }
  return { isEnd: true, report: { ...common, ...endOf(pod) } };
}

/** A kubelet may tell that a pod has failed before it has ended containers, as when its deadline is over; what they leave is saved until then. */
export function isLingering(pod: ObservedPod): boolean {
  const isRunning = pod.containers.some((container) => container.isRunning && isOrdered(pod, container));
  return isLastPhase(pod) && isRunning && !pod.isDeleted;
}

/**
 * Containers still run that will not end by themselves: those that others put into the pod, when mains and executor have ended, and all of them where a main or
 * the executor could not be started, since nothing in the pod hears of that. A kubelet leaves the phase behind for a moment.
 */
export function isLeftToOthers(pod: ObservedPod): boolean {
  const isLeft = pod.containers.some(({ isInit, ended }) => !isInit && ended === undefined);
  if (!isLeft || pod.endCause !== undefined || pod.phase !== 'Running' || pod.isDeleted) return false;
  return hasEnded(pod) || isNeverToFollow(pod) || pod.mains.some((name) => isNeverToBegin(containerOf(pod, name)));
}

/** A kubelet has the pod and has told neither that its containers have begun nor what keeps them from it. */
export function isAboutToBegin(pod: ObservedPod): boolean {
  const isKept = pod.containers.some(({ waiting }) => waiting !== undefined && !ORDINARY.has(waiting.reason));
  return pod.phase === 'Pending' && pod.nodeName !== undefined && !pod.isDeleted && !isKept;
}

/**
 * A kubelet that was interrupted in a start looks for ever for a sandbox that it will not make again: it has counted the start and says nothing of what keeps the
 * container from it.
 */
export function isStuckInStart(pod: ObservedPod): boolean {
  if (pod.phase !== 'Pending' || pod.nodeName === undefined || pod.isDeleted || pod.isRestarting === true) return false;
  return isFresh(pod) && pod.containers.some(({ waiting, isStartedAnew }) => waiting?.reason === '' && isStartedAnew === true);
}

function commonReport(pod: ObservedPod): Omit<PodObservation, 'identity' | 'phase'> {
  const main = containerOf(pod, outputMain(pod));
  const startedAtMs = main?.startedAtMs ?? pod.startedAtMs;
  return {
    ...(pod.podIP === undefined ? {} : { podIP: pod.podIP }),
    ...(pod.nodeName === undefined ? {} : { hostNodeName: pod.nodeName }),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(pod.progress === undefined ? {} : { progress: pod.progress }),
    ...(pod.isContainerSet ? { containers: pod.mains.map((name) => memberReport(pod, name)) } : {}),
  };
}

/** A pod that was deleted before a kubelet had it, one in its last phase, and one whose ordered containers have all ended and are not started again. */
function hasEnded(pod: ObservedPod): boolean {
  if (isLastPhase(pod)) return true;
  if (pod.isDeleted && pod.nodeName === undefined) return true;
  const { ordered } = pod;
  return (
    ordered !== undefined && pod.isRestarting !== true && ordered.every((name) => containerOf(pod, name)?.ended !== undefined)
  );
}

function endOf(pod: ObservedPod): Omit<PodObservation, 'identity'> {
  const main = containerOf(pod, outputMain(pod));
  const isTerminated = pod.endCause === EndCause.terminated;
  const exitCode = main?.ended?.exitCode ?? (isTerminated ? TERMINATED_EXIT : undefined);
  const finished = pod.containers.flatMap(({ ended }) => ended?.finishedAtMs ?? []);
  const facts = {
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(finished.length === 0 ? {} : { finishedAtMs: Math.max(...finished) }),
  };
  const failure = failureOf(pod, isTerminated);
  return failure === undefined ? { phase: 'Succeeded', ...facts } : { phase: 'Failed', ...facts, ...failure };
}

type Failure = Pick<PodObservation, 'message' | 'infrastructure' | 'neverBegan'>;

/** Argo's order: the pod's own message, init containers, mains, the executor, the others. */
function failureOf(pod: ObservedPod, isTerminated: boolean): Failure | undefined {
  const isOurs = pod.endCause !== undefined;
  const mains = pod.mains.map((name) => containerOf(pod, name));
  const isWell = mains.every((main) => main?.ended?.exitCode === 0);
  const own = isOurs ? undefined : ownMessage(pod, isWell);
  if (own !== undefined) return own;
  const init = pod.containers.find((container) => container.isInit && !container.isNativeSidecar && hasFailed(container));
  if (init !== undefined)
    return { message: failureText(init), ...(isTerminated ? {} : { infrastructure: true }), ...cutOff(pod, init) };
  const executor = executorOf(pod);
  if (executor !== undefined && !isTerminated && isNeverToFollow(pod))
    return { message: failureText(executor), infrastructure: true, ...(mayHaveRun(executor.ended) ? {} : cutOffOf(executor)) };
  const failedMain = mains.find((main) => main !== undefined && hasFailed(main));
  if (failedMain !== undefined) return { message: failureText(failedMain), ...cutOff(pod, failedMain) };
  const unended = pod.mains.find((name) => containerOf(pod, name)?.ended === undefined);
  if (unended !== undefined) return isTerminated ? { message: exitMessage(TERMINATED_EXIT) } : neverStarted(pod, unended);
  if (executor !== undefined && hasFailed(executor)) return { message: failureText(executor), infrastructure: true };
  const sidecar = pod.containers.find(
    (container) => isSidecar(pod, container) && isSidecarFailure(container.ended?.exitCode ?? 0),
  );
  return sidecar === undefined ? undefined : { message: failureText(sidecar) };
}

function ownMessage(pod: ObservedPod, isWell: boolean): Failure | undefined {
  const { reason, message } = pod;
  if (pod.isDeleted && !isWell)
    return { message: DELETED_MESSAGE, infrastructure: true, ...(isDeletedUnbegun(pod) ? { neverBegan: REASON.deleted } : {}) };
  if (reason === 'DeadlineExceeded') return { message: DEADLINE_MESSAGE };
  const neverBegan = NEVER_BEGAN.has(reason) && !pod.mains.some((name) => hasBegun(containerOf(pod, name)));
  if (message === '' && !neverBegan) return undefined;
  return { message: message === '' ? reason : message, ...(neverBegan ? { neverBegan: reason } : {}) };
}

/** No main has begun, and none will: no kubelet ever had the pod, or it says that it has ended everything. */
function isDeletedUnbegun(pod: ObservedPod): boolean {
  const { nodeName, containers } = pod;
  const isEnded = containers.some(({ ended }) => ended !== undefined) && !containers.some(({ isRunning }) => isRunning);
  return isFresh(pod) && (nodeName === undefined || isEnded);
}

const isFresh = (pod: ObservedPod): boolean =>
  pod.mains.map((name) => containerOf(pod, name)).every((main) => !hasBegun(main) && !mayHaveRun(main?.ended));

/** Nothing of the user's has run, and what was to be started can be again. */
const cutOff = (pod: ObservedPod, failed: ObservedContainer): Pick<Failure, 'neverBegan'> =>
  isFresh(pod) ? cutOffOf(failed) : {};

const cutOffOf = ({ ended }: ObservedContainer): Pick<Failure, 'neverBegan'> =>
  isCutOff(ended) ? { neverBegan: REASON.cutOff } : {};

function neverStarted(pod: ObservedPod, name: string): Failure {
  const waiting = containerOf(pod, name)?.waiting;
  const why = [waiting?.reason, waiting?.message].filter(Boolean).join(': ');
  return { message: `Pod failed before ${name} container starts${why === '' ? '' : ` due to ${why}`}`, infrastructure: true };
}

function memberReport(pod: ObservedPod, name: string): ContainerReport {
  const container = containerOf(pod, name);
  const { ended, startedAtMs } = container ?? {};
  const times = {
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(ended?.finishedAtMs === undefined ? {} : { finishedAtMs: ended.finishedAtMs }),
  };
  if (ended === undefined) return { name, phase: container?.isRunning === true ? 'Running' : 'Pending', ...times };
  if (ended.exitCode === 0) return { name, phase: 'Succeeded', exitCode: 0, ...times };
  const message = containerMessage(ended.exitCode, ended.reason || 'Error', ended.message.trim());
  return { name, phase: 'Failed', exitCode: ended.exitCode, message, ...times };
}

function pendingMessage(pod: ObservedPod): string | undefined {
  const waiting = pod.containers.find((container) => !ORDINARY.has(container.waiting?.reason ?? ''))?.waiting;
  if (waiting !== undefined) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  return pod.unschedulable;
}

const isLastPhase = ({ phase }: ObservedPod): boolean => phase === 'Succeeded' || phase === 'Failed';

/** Of pods that do not say, every container. */
const isOrdered = ({ ordered }: ObservedPod, { name, isInit }: ObservedContainer): boolean =>
  !isInit && (ordered === undefined || ordered.includes(name));

const outputMain = ({ mains }: ObservedPod): string => (mains.includes('main') ? 'main' : (mains[0] ?? 'main'));

const containerOf = ({ containers }: ObservedPod, name: string): ObservedContainer | undefined =>
  containers.find((container) => container.name === name && !container.isInit);

const executorOf = (pod: ObservedPod): ObservedContainer | undefined =>
  pod.mains.includes('wait') ? undefined : containerOf(pod, 'wait');

const isSidecar = (pod: ObservedPod, container: ObservedContainer): boolean =>
  !container.isInit && !pod.mains.includes(container.name) && container.name !== 'wait';

const isReady = ({ containers }: ObservedPod): boolean => {
  const running = containers.filter(({ isInit }) => !isInit);
  return running.length > 0 && running.every((container) => container.isReady);
};

const hasBegun = (container: ObservedContainer | undefined): boolean =>
  container !== undefined && (container.isRunning || container.ended?.startedAtMs !== undefined);

const isNeverToBegin = (container: ObservedContainer | undefined): boolean =>
  container?.ended !== undefined && !hasBegun(container);

/** The executor never begins any more, so our wrappers do not start their programs; those of Argo do. */
const isNeverToFollow = (pod: ObservedPod): boolean => pod.leavesTaskResult !== true && isNeverToBegin(executorOf(pod));

const hasFailed = ({ ended }: ObservedContainer): boolean => ended !== undefined && ended.exitCode !== 0;

function failureText({ name, ended }: ObservedContainer): string {
  const detail = name === 'wait' || ended === undefined ? '' : ended.message.trim();
  const message = exitMessage(ended?.exitCode ?? 0, ended?.reason || 'Error', name);
  return detail === '' ? message : `${message}: ${detail}`;
}
