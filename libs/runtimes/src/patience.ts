import { setTimeout as sleep } from 'node:timers/promises';

import { TransientError } from '#libs/workflow-spec';

import type { RuntimeLogger } from './collaborators.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;

/** What is tried, for whom, and what stops it. */
export interface Patience {
  what: string;
  pod: string;
  signal: AbortSignal;
  logger: RuntimeLogger;
}

/** Tries again after growing pauses while a TransientError is thrown; other errors, and the signal, end it by an error. */
export async function untilPossible<T>({ what, pod, signal, logger }: Patience, attempt: () => Promise<T>): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || !(error instanceof TransientError)) throw error;
      logger.warn('a pod has to wait; trying again', { err: error, pod, what, pauseMs });
      await sleep(pauseMs, undefined, { signal });
    }
  }
}
