import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { type PodManifest, SCRIPT_PATH } from '#libs/pod-spec';
import { type Clock, UserError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { PodIdentity, PodObservation } from '../contract.js';
import { endReport } from '../end-report.js';
import { brokenCourseMessage, DEADLINE_MESSAGE, exitMessage } from '../end-messages.js';
import { activeDeadlineSeconds } from '../main-process.js';
import { untilPossible } from '../patience.js';
import { needsStaging, type PodExit, type PodStaging } from '../staging.js';
import { claimedName } from './container-options.js';
import { ask } from './docker-connection.js';
import type { DockerPodFiles } from './docker-files.js';

const SCRIPT_MODE = 0o755;
const TERMINATED = 143;
const LOST_MESSAGE = 'pod lost: its container was claimed but never started';
const YOUNG_MS = 1_000;
/** When a container that was young at its first TERM gets it again. */
const TERM_AGAIN_MS = [500, 1_500, 3_500];
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What a course needs beside its container. */
export interface DockerCourseMeans {
  staging: PodStaging;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  observe: (observation: PodObservation) => void;
}

interface DockerPod {
  identity: PodIdentity;
  manifest: PodManifest;
  container: Docker.Container;
  files: DockerPodFiles;
}

/**
 * One container from its creation to its report: created → claimed (renamed) → running → ended → reported. The rename is the claim:
 * only one container can have the name, and only who renamed it starts it. Crash points: created, not renamed: anybody goes on;
 * renamed, not started: lost, and never started; ended: captured again, the container keeps its files until it is deleted.
 */
export class DockerCourse {
  readonly done: Promise<void>;
  private last: PodObservation;
  private graceSeconds: number | null = null;
  private readonly stopSignal = new AbortController();

  constructor(
    private readonly pod: DockerPod,
    private readonly means: DockerCourseMeans,
  ) {
    this.last = this.observation('Pending', {});
    this.done = this.run().catch((error: unknown) => this.giveUp(error));
  }

  get latest(): PodObservation {
    return this.last;
  }

  get hasEnded(): boolean {
    return this.last.phase === 'Succeeded' || this.last.phase === 'Failed' || this.last.phase === 'Gone';
  }

  stop(): void {
    this.stopSignal.abort();
  }

  /** TERM, and KILL after the grace period; before the start it keeps the container from starting. */
  async terminate(graceSeconds: number): Promise<void> {
    this.graceSeconds = graceSeconds;
    const { State } = await ask(() => this.pod.container.inspect());
    if (!State.Running) return;
    await this.end(graceSeconds, this.means.clock.nowMs() - Date.parse(State.StartedAt) < YOUNG_MS);
  }

  /** A bug: what it met would be met again, so the pod is ended here rather than waited for without end. */
  private async giveUp(error: unknown): Promise<void> {
    if (this.stopSignal.signal.aborted) return;
    const pod = claimedName(this.pod.identity);
    this.means.logger.error('a pod could not be followed', { err: error, pod });
    await this.patiently('kill', () => this.send('SIGKILL')).catch((failure: unknown) => {
      this.means.logger.error('a pod that could not be followed could not be ended', { err: failure, pod });
    });
    this.publish(this.observation('Failed', { message: brokenCourseMessage(error), infrastructure: true }));
  }

  /** The first process of a container that has just been started ignores TERM until it has said what to do with it. */
  private async end(graceSeconds: number, isYoung: boolean): Promise<void> {
    const graceMs = graceSeconds * 1000;
    this.later(graceMs, 'SIGKILL');
    if (isYoung) for (const delayMs of TERM_AGAIN_MS.filter((delay) => delay < graceMs)) this.later(delayMs, 'SIGTERM');
    await this.send('SIGTERM');
  }

  private later(delayMs: number, name: NodeJS.Signals): void {
    const { signal } = this.stopSignal;
    sleep(Math.min(delayMs, MAX_TIMER_MS), undefined, { signal, ref: false })
      .then(() => this.patiently(name, async () => (this.hasEnded ? undefined : this.send(name))))
      .catch((error: unknown) => {
        if (!signal.aborted)
          this.means.logger.warn('a signal could not be sent', { err: error, pod: claimedName(this.pod.identity) });
      });
  }

  /** 404 and 409: there is no such container any more, or it does not run. */
  private async send(name: NodeJS.Signals): Promise<void> {
    await ask<unknown>(
      () => this.pod.container.kill({ signal: name }),
      new Map([
        [404, null],
        [409, null],
      ]),
    );
  }

  private async run(): Promise<void> {
    const before = await this.patiently('inspect', () => ask(() => this.pod.container.inspect()));
    if (before.State.Status === 'created') {
      if (before.Name.replace(/^\//, '') === claimedName(this.pod.identity)) return this.lost();
      if (!(await this.begin())) return;
    }
    const running = await this.patiently('inspect', () => ask(() => this.pod.container.inspect()));
    const startedAtMs = Date.parse(running.State.StartedAt);
    if (running.State.Running) this.publish(this.observation('Running', { startedAtMs, ...addressOf(running) }));
    const deadlineAtMs = this.deadlineAtMs(startedAtMs);
    const cancel = this.enforce(deadlineAtMs);
    try {
      await this.patiently('wait', () => ask(() => this.pod.container.wait({ abortSignal: this.stopSignal.signal } as object)));
    } finally {
      cancel();
    }
    await this.finish(deadlineAtMs);
  }

  /** False where the pod has ended without having been started. */
  private async begin(): Promise<boolean> {
    const { manifest, files, container, identity } = this.pod;
    try {
      if (needsStaging(manifest)) await this.patiently('stage', () => this.means.staging.stage(manifest, files));
      if (manifest.work.scriptSource !== undefined) {
        await writeFile(await files.stagePath(SCRIPT_PATH), manifest.work.scriptSource, { mode: SCRIPT_MODE });
      }
      await this.patiently('deliver', () => files.deliver());
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.publish(this.observation('Failed', { message: error.message, infrastructure: true }));
      return false;
    }
    if (this.stopSignal.signal.aborted) return false;
    await this.patiently('claim', () => ask(() => container.rename({ name: claimedName(identity) })));
    if (this.graceSeconds !== null) {
      this.publish(this.observation('Failed', { exitCode: TERMINATED, message: exitMessage(TERMINATED), outputs: {} }));
      return false;
    }
    return this.startContainer();
  }

  private async startContainer(): Promise<boolean> {
    try {
      await this.pod.container.start();
    } catch (error) {
      const state = await this.patiently('inspect', () => ask(() => this.pod.container.inspect()));
      // The daemon says 400 for a program that is not there; the container then has an exit code of its own.
      if (state.State.Status !== 'created') return true;
      const reason = error instanceof Error ? error.message : String(error);
      const exitCode = state.State.ExitCode;
      this.publish(this.observation('Failed', { message: `main: StartError (exit code ${exitCode}): ${reason}`, exitCode }));
      return false;
    }
    const { graceSeconds } = this;
    if (graceSeconds !== null) await this.patiently('terminate', () => this.end(graceSeconds, true));
    return true;
  }

  private async finish(deadlineAtMs: number): Promise<void> {
    if (this.stopSignal.signal.aborted) return;
    const { State } = await this.patiently('inspect', () => ask(() => this.pod.container.inspect()));
    const startedAtMs = Date.parse(State.StartedAt);
    // The daemon takes the two times at different places; a program that ends at once may have "ended before it began".
    const finishedAtMs = Math.max(startedAtMs, Date.parse(State.FinishedAt));
    const message = this.endMessage(State, finishedAtMs >= deadlineAtMs);
    const exit: PodExit = {
      exitCode: State.ExitCode,
      startedAtMs,
      finishedAtMs,
      ...(message === undefined ? {} : { message }),
    };
    const report = await endReport({
      manifest: this.pod.manifest,
      files: this.pod.files,
      staging: this.means.staging,
      exit,
      patiently: (attempt) => this.patiently('capture', attempt),
    });
    this.publish(this.observation(report.phase, report));
    await this.pod.files.clear();
  }

  private endMessage(state: { ExitCode: number; OOMKilled: boolean }, afterDeadline: boolean): string | undefined {
    if (afterDeadline && state.ExitCode !== 0) return DEADLINE_MESSAGE;
    if (state.OOMKilled) return exitMessage(state.ExitCode, 'OOMKilled');
    return state.ExitCode === 0 ? undefined : exitMessage(state.ExitCode);
  }

  private lost(): void {
    this.publish(this.observation('Gone', { message: LOST_MESSAGE, infrastructure: true }));
  }

  private deadlineAtMs(startedAtMs: number): number {
    const active = activeDeadlineSeconds(this.pod.manifest);
    return Math.min(active === undefined ? Infinity : startedAtMs + active * 1000, this.pod.manifest.work.deadlineMs ?? Infinity);
  }

  /** The daemon knows no deadline, so whoever follows the pod keeps it. */
  private enforce(deadlineAtMs: number): () => void {
    if (deadlineAtMs === Infinity) return () => undefined;
    const delayMs = Math.min(Math.max(0, deadlineAtMs - this.means.clock.nowMs()), MAX_TIMER_MS);
    const timer = setTimeout(() => {
      this.terminate(this.pod.manifest.work.terminationGracePeriodSeconds).catch((error: unknown) => {
        this.means.logger.warn('a pod past its deadline could not be stopped; trying again', { err: error });
        void sleep(1_000).then(() => this.enforce(deadlineAtMs));
      });
    }, delayMs);
    return () => clearTimeout(timer);
  }

  private publish(observation: PodObservation): void {
    this.last = observation;
    if (!this.stopSignal.signal.aborted) this.means.observe(observation);
  }

  private observation(phase: PodObservation['phase'], facts: Partial<PodObservation>): PodObservation {
    return { identity: this.pod.identity, phase, hostNodeName: this.means.hostName, ...facts };
  }

  private patiently<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return untilPossible(
      { what, pod: claimedName(this.pod.identity), signal: this.stopSignal.signal, logger: this.means.logger },
      attempt,
    );
  }
}

function addressOf(running: Docker.ContainerInspectInfo): { podIP?: string } {
  const address = Object.values(running.NetworkSettings.Networks ?? {}).find((network) => network.IPAddress !== '')?.IPAddress;
  return address === undefined ? {} : { podIP: address };
}
