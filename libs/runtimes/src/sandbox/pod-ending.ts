import { setTimeout as sleep } from 'node:timers/promises';

import { RuntimeUnavailableError } from '../errors.js';
import type { PodFolder } from './pod-folder.js';
import { EVENTS_PIPE } from './pod-script.js';
import { isAlive, signal } from './process-identity.js';

const POLL_MS = 5;
const KILL_LIMIT_MS = 10_000;

/** TERM for all processes of the pod, KILL after the grace period. The file comes first: an init that is not ready for the signal reads it. */
export function askToEnd(folder: PodFolder, graceSeconds: number): void {
  folder.askToEnd(graceSeconds);
  folder.tell(EVENTS_PIPE, 'terminate');
  const claim = folder.claim();
  if (claim !== null && claim !== 'unwritten' && claim.pid !== 0) signal(claim, 'SIGTERM');
}

/** Ends the pod at once and sees to it that it never starts; resolves when no process of it is left. */
export async function kill(folder: PodFolder): Promise<void> {
  folder.claimWithoutInit();
  for (let waitedMs = 0; waitedMs < KILL_LIMIT_MS; waitedMs += POLL_MS) {
    const claim = folder.claim();
    if (claim === null || (claim !== 'unwritten' && (claim.pid === 0 || !isAlive(claim)))) return;
    if (claim !== 'unwritten') signal(claim, 'SIGKILL');
    await sleep(POLL_MS);
  }
  throw new RuntimeUnavailableError(`the processes of pod ${folder.folder} do not end`);
}
