import type { RuntimeLogger } from '../collaborators.js';

const RETRY_MS = 1_000;

/**
 * What is to be done with pods at once or after a while: one thing for each, until the API server takes it. Memory only: who meets the pod after a restart finds the
 * same in its object.
 */
export class PodAppointments {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly running = new Set<string>();
  private isClosed = false;

  /** `about`: what is said where it failed. */
  constructor(private readonly parts: { about: string; logger: RuntimeLogger }) {}

  /** An earlier appointment of the pod (a UID) stands. */
  later(uid: string, waitMs: number, act: () => Promise<unknown>): void {
    if (this.isClosed || this.timers.has(uid)) return;
    const timer = setTimeout(() => this.now(uid, act), waitMs);
    this.timers.set(uid, timer);
  }

  now(uid: string, act: () => Promise<unknown>): void {
    clearTimeout(this.timers.get(uid));
    this.timers.delete(uid);
    if (!this.running.has(uid)) void this.run(uid, act);
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private async run(uid: string, act: () => Promise<unknown>): Promise<void> {
    const { about, logger } = this.parts;
    this.running.add(uid);
    try {
      await act();
    } catch (error) {
      logger.warn(`${about}; trying again`, { err: error, uid });
      this.later(uid, RETRY_MS, act);
    } finally {
      this.running.delete(uid);
    }
  }
}
