import { setTimeout as sleep } from 'node:timers/promises';

import { TransientError } from '#libs/workflow-spec';

import type { RuntimeLogger } from './collaborators.js';
import type { PodObservation } from './contract.js';
import { GivenUpError } from './errors.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** For how long the outputs of a pod that was asked to end are tried to be saved: as long as Kubernetes lets it live. */
export const CAPTURE_GRACE_MS = 30_000;
/** A pod that has paused for so long says on its node what it waits for. */
const TOLD_AFTER_MS = 1_000;
/** How soon it is seen that nobody wants it any more. */
const LOOK_MS = 250;

/** What is tried, for whom, and what stops it. */
export interface Patience {
  what: string;
  pod: string;
  signal: AbortSignal;
  logger: RuntimeLogger;
  /** Whether the pod has been asked to end meanwhile: then it waits no longer. */
  isAskedToEnd?: (() => boolean) | undefined;
  /** Hears the reason once the wait is more than a moment, and again with each further try. */
  tell?: (reason: string) => void;
}

/**
 * Tries again after growing pauses while a TransientError is thrown; other errors, and the signal, end it by an error. A pod
 * that is asked to end meanwhile gets a GivenUpError with what the last attempt said.
 */
export async function untilPossible<T>(patience: Patience, attempt: () => Promise<T>): Promise<T> {
  const { what, pod, signal, logger, tell } = patience;
  let pausedMs = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !(error instanceof TransientError)) throw error;
      logger.warn('a pod has to wait; trying again', { err: error, pod, what, pauseMs });
      if (pausedMs >= TOLD_AFTER_MS) tell?.(error.message);
      await pause(pauseMs, patience);
      pausedMs += pauseMs;
      if (patience.isAskedToEnd?.() === true) throw new GivenUpError(error.message);
    }
  }
}

/** What a node says while its pod waits. */
export const waitMessage = (what: string, reason: string): string => {
  const aim = what === 'stage' ? 'has its inputs' : what === 'capture' ? 'has kept its outputs' : 'can go on';
  return `waits until it ${aim}: ${reason}`;
};

/** What a pod that waits shows next, where it does not show it yet; the next report takes the message off the node. */
export const waitingObservation = (
  shown: PodObservation,
  wait: { what: string; reason: string; startedAtMs?: number },
): PodObservation | undefined => {
  const { what, reason, ...beginning } = wait;
  const phase = what === 'capture' ? 'Running' : 'Pending';
  const waiting: PodObservation = { ...shown, ...beginning, phase, message: waitMessage(what, reason) };
  return JSON.stringify(waiting) === JSON.stringify(shown) ? undefined : waiting;
};

/** Shorter where the pod is asked to end. */
async function pause(pauseMs: number, { signal, isAskedToEnd = () => false }: Patience): Promise<void> {
  for (let leftMs = pauseMs; leftMs > 0 && !isAskedToEnd(); leftMs -= LOOK_MS)
    await sleep(Math.min(leftMs, LOOK_MS), undefined, { signal });
}
