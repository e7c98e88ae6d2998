import { setTimeout as sleep } from 'node:timers/promises';

import { type Clock, UserError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { ContainerReport, PodIdentity, PodObservation } from '../contract.js';
import { brokenCourseMessage } from '../end-messages.js';
import { endReport } from '../end-report.js';
import { GivenUpError } from '../errors.js';
import { CAPTURE_GRACE_MS, untilPossible, waitingObservation } from '../patience.js';
import { isContainerSet } from '../pod-containers.js';
import { NEVER_BEGAN } from '../pod-ends.js';
import { needsStaging, type PodStaging } from '../staging.js';
import { assertRoom, isDiskFull, unlessDiskFull } from './disk-room.js';
import type { HostTools } from './init-script.js';
import { noteLogSize } from './log-times.js';
import { hasOwnNetwork } from './pod-address.js';
import type { ExitRecord, PodFolder, PodRecord } from './pod-folder.js';
import { kill } from './pod-ending.js';
import type { SandboxPodFiles } from './pod-files.js';
import { containerReports, hasMainBegun, sandboxOutcome } from './pod-outcome.js';
import { RunningPod } from './running-pod.js';
import { INIT_LOG, launchInit } from './pod-process.js';
import { epochMsOfUptime, isAlive } from './process-identity.js';

const LOST_MESSAGE = 'pod lost: its first process ended without a record of the end';
const ADOPTED_POLL_MS = 50;
/** An init writes its claim in one call right after making it. */
const CLAIM_WRITE_MS = 2_000;
const TERMINATED_BEFORE_START = 143;

/** What a course needs beside its pod. */
export interface CourseMeans {
  tools: HostTools;
  userNamespace: boolean;
  staging: PodStaging;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  /** A pod that ends within this time is reported once, at its end. */
  runningReportDelayMs: number;
  observe: (observation: PodObservation) => void;
}

/**
 * One pod from its folder to its report: staging → launched → running → capturing → reported. Begins wherever the folder says that
 * the pod is, so a pod made by a dead process goes on here. Crash points: before `staged`, staging is done again; after it, a
 * second init may be started, and `claim` lets one of them run; after `exit`, capture is done again; after `report.json` the
 * report is only repeated.
 */
export class PodCourse {
  readonly identity: PodIdentity;
  /** Settled when the pod has ended and its report is given to `observe`, or when the course was stopped. */
  readonly done: Promise<void>;
  private last: PodObservation;
  private stopped = false;
  private readonly loggedBytes = new Map<string, number>();
  private readonly stopSignal = new AbortController();
  private readonly watch: RunningPod;
  private isRunning = false;

  constructor(
    private readonly folder: PodFolder,
    private readonly record: PodRecord,
    private readonly files: SandboxPodFiles,
    private readonly means: CourseMeans,
  ) {
    this.identity = record.identity;
    this.watch = new RunningPod(folder, record, files, { ...means, changed: () => this.publishRunning() });
    this.last = this.observation('Pending', {});
    this.done = this.run().catch((error: unknown) => this.giveUp(error));
  }

  /** The last thing that was seen of the pod. */
  get latest(): PodObservation {
    return this.last;
  }

  get hasEnded(): boolean {
    return this.last.phase === 'Succeeded' || this.last.phase === 'Failed' || this.last.phase === 'Gone';
  }

  /** Leaves the pod as it is and follows it no longer. */
  stop(): void {
    this.stopped = true;
    this.watch.stop();
    this.stopSignal.abort();
  }

  /** Called at intervals while the pod runs: notes when its logs grew, and looks at its containers. */
  look(nowMs: number): void {
    for (const { folder } of this.record.containers) {
      const before = this.loggedBytes.get(folder) ?? 0;
      this.loggedBytes.set(folder, noteLogSize({ pod: this.folder, folder }, nowMs, before));
    }
    if (this.isRunning && this.watch.look(nowMs)) this.publishRunning();
  }

  private async run(): Promise<void> {
    const report = this.folder.report();
    if (report !== null) return this.publish(report);
    if (this.folder.claim() === null) await this.begin();
    else this.beginRunning();
    if (this.stopped || this.hasEnded) return;
    await this.awaitEnd();
    this.isRunning = false;
    this.watch.stop();
    if (this.stopped) return;
    await this.finish();
  }

  /** A bug: what it met would be met again, so the pod is ended here rather than waited for without end. */
  private async giveUp(error: unknown): Promise<void> {
    if (this.stopped) return;
    this.means.logger.error('a pod could not be followed', { err: error, pod: this.folder.folder });
    const observation = this.observation('Failed', {
      message: brokenCourseMessage(error),
      infrastructure: true,
      ...orNothing(() => this.beginning()),
    });
    try {
      await kill(this.folder);
      this.folder.saveReport(observation);
    } catch (failure) {
      this.means.logger.error('a pod that could not be followed could not be ended', { err: failure, pod: this.folder.folder });
    }
    this.publish(observation);
  }

  private async begin(): Promise<void> {
    this.publish(this.last, false);
    const staged = this.folder.isStaged() || (await this.stage());
    if (!staged || this.stopped) return;
    if (this.folder.isAskedToEnd() && this.folder.claimWithoutInit()) return;
    const { exited } = await this.launch();
    const timer = setTimeout(() => {
      if (!this.stopped && !this.hasEnded) this.beginRunning();
    }, this.means.runningReportDelayMs);
    timer.unref();
    await Promise.race([exited, this.aborted()]);
    clearTimeout(timer);
    this.isRunning = false;
  }

  private beginRunning(): void {
    this.isRunning = true;
    this.watch.look(this.means.clock.nowMs());
    this.publishRunning();
  }

  private publishRunning(): void {
    if (this.stopped || this.hasEnded || !this.isRunning) return;
    const { phase, ...facts } = this.watch.facts(this.means.clock.nowMs());
    const observation = this.observation(phase, { ...this.beginning(), ...facts });
    if (JSON.stringify(observation) !== JSON.stringify(this.last)) this.publish(observation);
  }

  private async launch(): Promise<{ exited: Promise<number | null> }> {
    return this.untilPossible('start', () => {
      assertRoom(this.folder.folder);
      const { tools, userNamespace } = this.means;
      return launchInit(this.folder.folder, tools, userNamespace, hasOwnNetwork(this.record.manifest));
    });
  }

  /** False where the inputs can never be had; the pod's end is then reported. */
  private async stage(): Promise<boolean> {
    if (needsStaging(this.record.manifest)) {
      try {
        await this.untilPossible('stage', () => this.means.staging.stage(this.record.manifest, this.files), 0);
      } catch (error) {
        // Its end is that of a pod that was ended before it began.
        if (error instanceof GivenUpError) return true;
        if (!(error instanceof UserError)) throw error;
        this.folder.claimWithoutInit();
        this.report(this.observation('Failed', { message: error.message, infrastructure: true }));
        return false;
      }
    }
    await this.untilPossible('start', async () => unlessDiskFull(() => this.folder.markStaged()));
    return true;
  }

  /** Returns when no process of the pod is left. */
  private async awaitEnd(): Promise<void> {
    const unwrittenUntilMs = Date.now() + CLAIM_WRITE_MS;
    while (!this.stopped) {
      const claim = this.folder.claim();
      if (claim === null) return;
      const going: boolean = claim === 'unwritten' ? Date.now() < unwrittenUntilMs : isAlive(claim);
      if (!going) return;
      await sleep(ADOPTED_POLL_MS, undefined, { signal: this.stopSignal.signal }).catch(() => undefined);
    }
  }

  private async finish(): Promise<void> {
    // Deleted by another process meanwhile: nobody asks any more.
    if (this.folder.record() === null) return;
    const exit = this.folder.exit() ?? this.endWithoutInit();
    const neverClaimed = exit === null && this.folder.claimWithoutInit();
    if (exit === null && !neverClaimed) {
      this.report(this.lostPod());
    } else if (exit === null) {
      const detail = (this.folder.text(INIT_LOG) ?? '').trim().split('\n').slice(-3).join('; ');
      this.report(
        this.observation('Failed', {
          message: `the pod could not be set up: ${detail}`,
          infrastructure: true,
          neverBegan: NEVER_BEGAN.setup,
        }),
      );
    } else {
      await this.capture(exit);
    }
  }

  /** The machine, or somebody on it, ended its first process. Whoever asked it to end has what they want; else it may be made anew. */
  private lostPod(): PodObservation {
    const isUntouched = !this.folder.isAskedToEnd() && !hasMainBegun(this.folder, this.record);
    return isUntouched
      ? this.observation('Failed', { message: LOST_MESSAGE, infrastructure: true, neverBegan: NEVER_BEGAN.hostLost })
      : this.observation('Gone', { message: LOST_MESSAGE, infrastructure: true, ...this.beginning() });
  }

  /** The pod was ended before an init existed: nothing ran. */
  private endWithoutInit(): ExitRecord | null {
    const claim = this.folder.claim();
    const without = claim !== null && claim !== 'unwritten' && claim.pid === 0;
    return without ? { reason: 'terminated', exitCode: TERMINATED_BEFORE_START, uptimeSeconds: Number.NaN } : null;
  }

  private async capture(exit: ExitRecord): Promise<void> {
    const outcome = sandboxOutcome(this.folder, this.record, exit);
    const containers = this.containers();
    const facts = { ...containers, ...this.watch.progress() };
    const { message, infrastructure, neverBegan } = outcome;
    if (outcome.neverRan === true && message !== undefined) {
      const why = { ...(infrastructure === true ? { infrastructure } : {}), ...(neverBegan === undefined ? {} : { neverBegan }) };
      const ended = { message, ...this.times(exit), ...why };
      return this.report(this.observation('Failed', { ...facts, ...ended }));
    }
    const report = await endReport({
      manifest: this.record.manifest,
      files: this.files,
      staging: this.means.staging,
      exit: { exitCode: outcome.exitCode, ...this.times(exit), ...(message === undefined ? {} : { message }) },
      patiently: (attempt) => this.untilPossible('capture', attempt, CAPTURE_GRACE_MS),
    });
    this.report(this.observation(report.phase, { ...facts, ...report }));
  }

  private containers(): { containers?: ContainerReport[] } {
    if (!isContainerSet(this.record.manifest)) return {};
    return { containers: containerReports(this.folder, this.record, this.means.clock.nowMs()) };
  }

  private times(exit: ExitRecord): { startedAtMs: number; finishedAtMs: number } {
    const nowMs = this.means.clock.nowMs();
    const finishedAtMs = Number.isNaN(exit.uptimeSeconds) ? nowMs : epochMsOfUptime(exit.uptimeSeconds, nowMs);
    return { startedAtMs: this.beginning().startedAtMs ?? finishedAtMs, finishedAtMs };
  }

  private beginning(): { startedAtMs?: number } {
    const claim = this.folder.claim();
    if (claim === null || claim === 'unwritten' || claim.pid === 0) return {};
    return { startedAtMs: epochMsOfUptime(claim.uptimeSeconds, this.means.clock.nowMs()) };
  }

  /** A report that the disk has no room for is made again by whoever takes over. */
  private report(observation: PodObservation): void {
    try {
      this.folder.saveReport(observation);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.means.logger.warn('the disk is full: the end of a pod is reported and not kept', { pod: this.folder.folder });
    }
    this.publish(observation);
  }

  private publish(observation: PodObservation, tell = true): void {
    this.last = observation;
    if (tell && !this.stopped) this.means.observe(observation);
  }

  private observation(phase: PodObservation['phase'], facts: Partial<PodObservation>): PodObservation {
    return { identity: this.record.identity, phase, hostNodeName: this.means.hostName, ...facts };
  }

  /** Where `graceMs` is given, a pod that has been asked to end waits no longer than that. */
  private untilPossible<T>(what: string, attempt: () => Promise<T>, graceMs = Infinity): Promise<T> {
    const { folder } = this;
    const untilMs = this.means.clock.nowMs() + graceMs;
    const isAskedToEnd = (): boolean => this.means.clock.nowMs() >= untilMs && folder.isAskedToEnd();
    return untilPossible(
      {
        ...{ what, pod: folder.folder, signal: this.stopSignal.signal, logger: this.means.logger, isAskedToEnd },
        tell: (reason) => this.publishWait(what, reason),
      },
      attempt,
    );
  }

  private publishWait(what: string, reason: string): void {
    const waiting = waitingObservation(this.last, { what, reason, ...this.beginning() });
    if (waiting !== undefined && !this.hasEnded) this.publish(waiting);
  }

  private async aborted(): Promise<void> {
    const { signal: abort } = this.stopSignal;
    if (abort.aborted) return;
    await new Promise<void>((resolve) => abort.addEventListener('abort', () => resolve(), { once: true }));
  }
}

function orNothing<T extends object>(read: () => T): Partial<T> {
  try {
    return read();
  } catch {
    return {};
  }
}
