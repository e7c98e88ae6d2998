import { containerMessage, DEADLINE_MESSAGE, exitMessage, isSidecarFailure } from './end-messages.js';
import { type ContainerRole, outputContainerOf } from './pod-containers.js';
import type { ContainerReport } from './contract.js';

/** How one container of a pod ended. */
export interface ContainerEnd {
  name: string;
  role: ContainerRole;
  exitCode: number;
  /** `OOMKilled`, or `Error` where it is no reason of its own. */
  reason: string;
  /** What its executor left as a message; '' for none. */
  detail: string;
}

/** How a pod ended, all its containers taken together. */
export interface PodOutcome {
  exitCode: number;
  /** Absent where it ended well. */
  message?: string;
  /** It is no failure of the user's own main containers. */
  infrastructure?: boolean;
  /** The mains never ran, so nothing can be captured. */
  neverRan?: boolean;
  /** Kubernetes' reason where it is no fault of the pod's own that no main began. */
  neverBegan?: string;
}

/** Reasons for which a pod that never began is made anew (Kubernetes' by `failedPodRestart`; where its start was cut off or it was deleted, always). */
export const NEVER_BEGAN = {
  /** Its first process could not lay out what the pod needs. */
  setup: 'UnexpectedAdmissionError',
  /** The machine went down under it. */
  hostLost: 'NodeShutdown',
  /** Whoever was starting it went away meanwhile. */
  cutOff: 'StartError',
  /** Somebody deleted it. */
  deleted: 'Deleted',
} as const;

/** Why a pod came to its end, where it did not end by itself. */
export type PodEndCause = 'itself' | 'terminated' | 'deadline';

/** Exit code of a container that never started, since one that it depends on failed: the executor's own (Argo v4.1 emissary). */
export const SKIPPED_EXIT = 64;
/** Exit code of a container that was ended before it could start. */
export const TERMINATED_EXIT = 143;

/** What Argo would say of the pod: init containers first, then the mains in their order, then the others. */
export function podOutcome(ends: readonly ContainerEnd[], cause: PodEndCause): PodOutcome {
  const { exitCode } = outputContainerOf(ends);
  if (cause === 'deadline') return { exitCode, message: DEADLINE_MESSAGE };
  const init = ends.find((end) => end.role === 'init' && end.exitCode !== 0);
  if (init !== undefined) {
    const infrastructure = cause === 'itself' ? { infrastructure: true } : {};
    return { exitCode, message: messageOf(init), ...infrastructure, neverRan: true };
  }
  const failed =
    ends.find((end) => end.role === 'main' && end.exitCode !== 0) ??
    ends.find((end) => end.role === 'sidecar' && isSidecarFailure(end.exitCode));
  return failed === undefined ? { exitCode } : { exitCode, message: messageOf(failed) };
}

/** The report of a member of a set that has ended. */
export function endedReport({ name, exitCode, reason, detail }: ContainerEnd): ContainerReport {
  if (exitCode === 0) return { name, phase: 'Succeeded', exitCode };
  return { name, phase: 'Failed', exitCode, message: containerMessage(exitCode, reason, detail) };
}

function messageOf({ name, exitCode, reason, detail }: ContainerEnd): string {
  const message = exitMessage(exitCode, reason, name);
  return detail === '' ? message : `${message}: ${detail}`;
}
