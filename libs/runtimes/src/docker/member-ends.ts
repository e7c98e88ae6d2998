import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '#libs/workflow-spec';

import type { PodContainer } from '../pod-containers.js';
import type { DockerMember, MemberState } from './docker-member.js';

const YOUNG_MS = 1_000;
/** When a container that was young at its first TERM gets it again. */
const TERM_AGAIN_MS = [500, 1_500, 3_500];
/** The longest that a timer of Node waits. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

export interface MemberEndsMeans {
  clock: Clock;
  /** Given when this process follows the pod no more. */
  signal: AbortSignal;
  /** Repeats what the daemon does not take for a while. */
  patiently: (what: string, attempt: () => Promise<void>) => Promise<void>;
  /** Nothing of the pod runs any more. */
  isOver: () => boolean;
  failed: (error: unknown) => void;
}

/** Ends containers of a pod, each once: its preStop hook, TERM, and KILL when the grace period is over. */
export class MemberEnds {
  private readonly told = new Set<DockerMember>();

  constructor(private readonly means: MemberEndsMeans) {}

  /** The first process of a container that has just been started ignores TERM until it has said what to do with it. */
  async end(member: DockerMember, graceSeconds: number, state?: MemberState): Promise<void> {
    if (this.told.has(member)) return;
    this.told.add(member);
    const { clock, signal, patiently } = this.means;
    const graceMs = Math.max(0, graceSeconds * 1000);
    this.later(graceMs, member, 'SIGKILL');
    const hook = hookOf(member.member, 'preStop');
    if (hook !== undefined) await Promise.race([member.succeeds(hook, signal), sleep(graceMs, undefined, { ref: false })]);
    const isYoung = state?.type === 'running' && clock.nowMs() - state.startedAtMs < YOUNG_MS;
    if (isYoung) for (const delayMs of TERM_AGAIN_MS.filter((delay) => delay < graceMs)) this.later(delayMs, member, 'SIGTERM');
    await patiently('SIGTERM', () => member.signal('SIGTERM'));
  }

  private later(delayMs: number, member: DockerMember, name: NodeJS.Signals): void {
    const { signal, patiently, isOver, failed } = this.means;
    sleep(Math.min(delayMs, MAX_TIMER_MS), undefined, { signal, ref: false })
      .then(() => patiently(name, async () => (isOver() ? undefined : member.signal(name))))
      .catch(failed);
  }
}

export function hookOf({ container }: PodContainer, name: 'postStart' | 'preStop'): string[] | undefined {
  const lifecycle = container.lifecycle as Record<string, { exec?: { command?: string[] } } | undefined> | undefined;
  return lifecycle?.[name]?.exec?.command;
}
