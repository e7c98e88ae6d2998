import { setTimeout as sleep } from 'node:timers/promises';

import type { ContainerProbes, Probe, ProbeQuestion } from './probe.js';

/** What a watch does with what it learns. */
export interface WatchMeans {
  /** Whether the answer is good; a probe that cannot be asked is a bad answer. */
  ask: (question: ProbeQuestion, timeoutMs: number) => Promise<boolean>;
  /** Readiness has changed. */
  changed: () => void;
  /** The container has failed its liveness or startup probe and must end. */
  failed: () => void;
}

/**
 * Asks the probes of one running container: startup until it passes, then readiness and liveness at their intervals, as the kubelet
 * does. In memory only: whoever follows the pod next asks anew. States: asking → stopped.
 */
export class ContainerWatch {
  private readonly stopping = new AbortController();
  private passing: boolean;

  constructor(
    private readonly probes: ContainerProbes,
    private readonly means: WatchMeans,
  ) {
    this.passing = probes.readiness === undefined && probes.startup === undefined;
    void this.run();
  }

  get isReady(): boolean {
    return this.passing;
  }

  stop(): void {
    this.stopping.abort();
  }

  private async run(): Promise<void> {
    const { startup, readiness, liveness } = this.probes;
    if (startup !== undefined && !(await this.untilPassed(startup))) return;
    if (readiness === undefined) this.setReady(true);
    await Promise.all([
      readiness === undefined ? undefined : this.repeat(readiness, (isPassing) => this.setReady(isPassing)),
      liveness === undefined ? undefined : this.repeat(liveness, (isPassing) => isPassing || this.fail()),
    ]);
  }

  /** False where it failed for good. */
  private async untilPassed(probe: Probe): Promise<boolean> {
    let passed = false;
    await this.repeat(probe, (isPassing) => {
      passed = isPassing;
      if (!isPassing) this.fail();
      return 'end';
    });
    return passed;
  }

  /** Tells each change over a threshold, until the watch stops or `told` says so. */
  private async repeat(probe: Probe, told: (isPassing: boolean) => unknown): Promise<void> {
    let streak = 0;
    let last: boolean | undefined;
    await this.pause(probe.initialDelayMs);
    while (!this.stopping.signal.aborted) {
      const answer = await this.means.ask(probe.question, probe.timeoutMs);
      if (this.stopping.signal.aborted) return;
      streak = answer === last ? streak + 1 : 1;
      last = answer;
      const threshold = answer ? probe.successThreshold : probe.failureThreshold;
      if (streak === threshold && told(answer) === 'end') return;
      await this.pause(probe.periodMs);
    }
  }

  private setReady(isReady: boolean): void {
    if (this.passing === isReady) return;
    this.passing = isReady;
    this.means.changed();
  }

  private fail(): void {
    this.means.failed();
  }

  private async pause(durationMs: number): Promise<void> {
    await sleep(durationMs, undefined, { signal: this.stopping.signal, ref: false }).catch(() => undefined);
  }
}
