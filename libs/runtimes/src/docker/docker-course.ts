import { writeFile } from 'node:fs/promises';

import { type PodManifest, SCRIPT_PATH } from '#libs/pod-spec';
import { type Clock, UserError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { ContainerReport, PodIdentity, PodObservation } from '../contract.js';
import { brokenCourseMessage } from '../end-messages.js';
import { endReport } from '../end-report.js';
import { activeDeadlineSeconds } from '../main-process.js';
import { GivenUpError } from '../errors.js';
import { CAPTURE_GRACE_MS, untilPossible, waitingObservation } from '../patience.js';
import { graceSecondsOf, isContainerSet, outputContainerOf, type PodContainer } from '../pod-containers.js';
import { type ContainerEnd, endedReport, NEVER_BEGAN, type PodEndCause, podOutcome } from '../pod-ends.js';
import { nextSteps, type PodSteps } from '../pod-steps.js';
import { needsStaging, type PodStaging } from '../staging.js';
import { claimedName } from './container-options.js';
import { type EndRequest, readEndRequest, saveEndRequest } from './docker-ending.js';
import type { DockerPodFiles } from './docker-files.js';
import type { DockerMember, MemberState } from './docker-member.js';
import { hookOf, MAX_TIMER_MS, MemberEnds } from './member-ends.js';
import { MemberWatches } from './member-watches.js';

const SCRIPT_MODE = 0o755;
const LOST_MESSAGE = 'pod lost: its container was claimed but never started';

/** What a course needs beside its containers. */
export interface DockerCourseMeans {
  staging: PodStaging;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  observe: (observation: PodObservation) => void;
}

/** A pod whose output container exists. */
export interface DockerPod {
  identity: PodIdentity;
  manifest: PodManifest;
  containers: readonly PodContainer[];
  files: DockerPodFiles;
  /** Folder of this host where what the daemon cannot keep is kept. */
  folder: string;
  /** All containers, made where they are missing. */
  members: () => Promise<DockerMember[]>;
}

interface Seen {
  member: DockerMember;
  state: MemberState;
}

/**
 * A pod from its first container to its report: made → staged → its containers claimed and started one by one → ended → reported.
 * Everything is read from the daemon at each step, so any later process goes on. Crash points: made, not claimed: anybody goes on; a
 * container claimed, not started: the pod is lost, and that container is never started; ended: captured again, the container keeps
 * its files until it is deleted. That the pod is to end is kept in a file of this host.
 */
export class DockerCourse {
  readonly done: Promise<void>;
  private last: PodObservation;
  private members: DockerMember[] = [];
  private ending: EndRequest | null = null;
  private cause: PodEndCause = 'itself';
  private readonly watches: MemberWatches;
  private readonly ends: MemberEnds;
  private wakeUp: () => void = () => undefined;
  /** How often something has happened that the daemon does not tell: what came before a look is seen by it. */
  private events = 0;
  private cancelDeadline: (() => void) | null = null;
  private readonly stopSignal = new AbortController();

  constructor(
    private readonly pod: DockerPod,
    private readonly means: DockerCourseMeans,
  ) {
    this.last = this.observation('Pending', {});
    const cannotSignal = (error: unknown): void => this.cannotSignal(error);
    this.ends = new MemberEnds({
      clock: means.clock,
      signal: this.stopSignal.signal,
      patiently: (what, attempt) => this.patiently(what, attempt),
      isOver: () => this.hasEnded,
      failed: cannotSignal,
    });
    this.watches = new MemberWatches({
      changed: () => this.wake(),
      failed: (member) => void this.ends.end(member, graceSecondsOf(pod.manifest)).catch(cannotSignal),
    });
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
    this.watches.stop();
    this.cancelDeadline?.();
  }

  /** TERM, and KILL after the grace period; what has not been started never is. */
  async terminate(graceSeconds: number): Promise<void> {
    if (this.ending === null) await this.ask('terminated', graceSeconds);
    this.wake();
  }

  private wake(): void {
    this.events += 1;
    this.wakeUp();
  }

  private async ask(cause: PodEndCause, graceSeconds: number): Promise<void> {
    const request = { killAtMs: this.means.clock.nowMs() + graceSeconds * 1000 };
    await saveEndRequest(this.pod.folder, request);
    this.ending = request;
    if (this.cause === 'itself') this.cause = cause;
  }

  private async run(): Promise<void> {
    this.members = await this.patiently('make', () => this.pod.members());
    this.ending = await readEndRequest(this.pod.folder);
    if (this.ending !== null) this.cause = 'terminated';
    let { events } = this;
    let seen = await this.look();
    if (seen.every(({ state }) => state.type === 'waiting') && this.ending === null && !(await this.stage())) return;
    for (;;) {
      if (this.stopSignal.signal.aborted) return;
      if (seen.some(({ state }) => state.type === 'lost')) return this.lost(seen);
      const steps = this.stepsOf(seen);
      this.show(seen, steps);
      if (steps.isDone) return this.finish(seen, steps);
      await this.take(seen, steps);
      if (steps.start.length === 0) await this.somethingHappens(seen, events);
      events = this.events;
      seen = await this.look();
    }
  }

  private look(): Promise<Seen[]> {
    return this.patiently('inspect', () =>
      Promise.all(this.members.map(async (member) => ({ member, state: await member.state() }))),
    );
  }

  private stepsOf(seen: readonly Seen[]): PodSteps {
    const progress = seen.map(({ member: { member }, state }) =>
      state.type === 'ended'
        ? { member, state: 'ended' as const, exitCode: state.end.exitCode }
        : { member, state: state.type === 'running' ? ('running' as const) : ('waiting' as const) },
    );
    return nextSteps(progress, this.ending !== null);
  }

  private async take(seen: readonly Seen[], steps: PodSteps): Promise<void> {
    for (const { member, state } of seen) {
      const { name } = member.member;
      if (steps.start.includes(name)) await this.patiently('start', () => this.begin(member));
      if (state.type !== 'running') continue;
      this.keepDeadline(seen);
      const { manifest } = this.pod;
      if (this.ending !== null) await this.ends.end(member, (this.ending.killAtMs - this.means.clock.nowMs()) / 1000, state);
      else if (steps.stop.includes(name)) await this.ends.end(member, graceSecondsOf(manifest), state);
    }
  }

  private async begin(member: DockerMember): Promise<void> {
    await member.start();
    const hook = hookOf(member.member, 'postStart');
    if (hook === undefined) return;
    void member.succeeds(hook, this.stopSignal.signal).then(async (isFine) => {
      if (!isFine && !this.stopSignal.signal.aborted) await this.ends.end(member, graceSecondsOf(this.pod.manifest));
    });
  }

  private cannotSignal(error: unknown): void {
    if (!this.stopSignal.signal.aborted)
      this.means.logger.warn('a signal could not be sent', { err: error, pod: claimedName(this.pod.identity) });
  }

  private async somethingHappens(seen: readonly Seen[], events: number): Promise<void> {
    const looking = new AbortController();
    const running = seen.filter(({ state }) => state.type === 'running');
    const woken = new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      if (this.events !== events) resolve();
      this.stopSignal.signal.addEventListener('abort', () => resolve(), { once: true });
      if (this.stopSignal.signal.aborted) resolve();
    });
    const ended = running.map(({ member }) =>
      this.patiently('wait', () => member.ended(looking.signal)).catch((error: unknown) => {
        if (!looking.signal.aborted) throw error;
      }),
    );
    try {
      await Promise.race([woken, ...ended]);
    } finally {
      looking.abort();
    }
  }

  /** False where the pod has ended without having been started. */
  private async stage(): Promise<boolean> {
    const { manifest, files } = this.pod;
    try {
      if (needsStaging(manifest)) await this.patiently('stage', () => this.means.staging.stage(manifest, files), 0);
      if (manifest.work.scriptSource !== undefined) {
        await writeFile(await files.stagePath(SCRIPT_PATH), manifest.work.scriptSource, { mode: SCRIPT_MODE });
      }
      await this.patiently('deliver', () => files.deliver());
    } catch (error) {
      // Its end is that of a pod that was ended before it began.
      if (error instanceof GivenUpError) return true;
      if (!(error instanceof UserError)) throw error;
      this.publish(this.observation('Failed', { message: error.message, infrastructure: true }));
      return false;
    }
    return true;
  }

  /** Publishes what is seen of the running pod, where it says something new. */
  private show(seen: readonly Seen[], steps: PodSteps): void {
    if (steps.isDone) return;
    this.watches.follow(seen);
    const initialising = seen.some(({ member, state }) => member.member.role === 'init' && state.type !== 'ended');
    const started = seen.some(({ state }) => state.type === 'running' || state.type === 'ended');
    if (!started) return;
    const isReady = (entry: Seen): boolean =>
      entry.member.member.role === 'init' || (entry.state.type === 'running' && this.watches.isReady(entry.member));
    const observation = this.observation(initialising ? 'Pending' : 'Running', {
      ready: !initialising && seen.every(isReady),
      startedAtMs: startOf(seen),
      ...addressOf(seen),
      ...this.reports(seen, steps.skipped),
    });
    if (JSON.stringify(observation) !== JSON.stringify(this.last)) this.publish(observation);
  }

  private reports(seen: readonly Seen[], skipped: readonly ContainerEnd[]): { containers?: ContainerReport[] } {
    if (!isContainerSet(this.pod.manifest)) return {};
    return {
      containers: seen
        .filter(({ member }) => member.member.role === 'main')
        .map(({ member, state }): ContainerReport => {
          const { name } = member.member;
          const never = skipped.find((end) => end.name === name);
          if (never !== undefined) return endedReport(never);
          if (state.type === 'running') return { name, phase: 'Running', startedAtMs: state.startedAtMs };
          if (state.type !== 'ended') return { name, phase: 'Pending' };
          return { ...endedReport(state.end), startedAtMs: state.startedAtMs, finishedAtMs: state.finishedAtMs };
        }),
    };
  }

  private async finish(seen: readonly Seen[], steps: PodSteps): Promise<void> {
    this.watches.stop();
    this.cancelDeadline?.();
    if (this.stopSignal.signal.aborted) return;
    const ended = seen.flatMap(({ state }) => (state.type === 'ended' ? [state] : []));
    const ends = seen.flatMap(({ member: { member }, state }): ContainerEnd[] => {
      const never = steps.skipped.find(({ name }) => name === member.name);
      return state.type === 'ended' ? [state.end] : never === undefined ? [] : [never];
    });
    const nowMs = this.means.clock.nowMs();
    const times = {
      startedAtMs: ended.length === 0 ? nowMs : startOf(seen),
      finishedAtMs: Math.max(...ended.map(({ finishedAtMs }) => finishedAtMs), ended.length === 0 ? nowMs : 0),
    };
    const isLate = times.finishedAtMs >= this.deadlineAtMs(times.startedAtMs) && ends.some(({ exitCode }) => exitCode !== 0);
    const { exitCode, message, infrastructure, neverRan } = podOutcome(ends, isLate ? 'deadline' : this.endCause());
    const containers = this.reports(seen, steps.skipped);
    const output = outputContainerOf(ends);
    const ran = ended.some(({ end }) => end.name === output.name && end.reason !== 'StartError');
    if (neverRan === true || !ran) {
      const facts = { ...containers, ...times, exitCode, outputs: {}, ...(message === undefined ? {} : { message }) };
      return this.publish(this.observation('Failed', { ...facts, ...(infrastructure === true ? { infrastructure } : {}) }));
    }
    const report = await endReport({
      manifest: this.pod.manifest,
      files: this.pod.files,
      staging: this.means.staging,
      exit: { exitCode, ...times, ...(message === undefined ? {} : { message }) },
      patiently: (attempt) => this.patiently('capture', attempt, CAPTURE_GRACE_MS),
    });
    this.publish(this.observation(report.phase, { ...containers, ...report }));
    await this.pod.files.clear();
  }

  /** A deadline that this process has kept is told by the times, so that the next one says the same. */
  private endCause(): PodEndCause {
    return this.cause === 'deadline' ? 'terminated' : this.cause;
  }

  /** A bug: what it met would be met again, so the pod is ended here rather than waited for without end. */
  private async giveUp(error: unknown): Promise<void> {
    if (this.stopSignal.signal.aborted) return;
    const pod = claimedName(this.pod.identity);
    this.means.logger.error('a pod could not be followed', { err: error, pod });
    await this.killAll().catch((failure: unknown) => {
      this.means.logger.error('a pod that could not be followed could not be ended', { err: failure, pod });
    });
    this.publish(this.observation('Failed', { message: brokenCourseMessage(error), infrastructure: true }));
  }

  /** What has no main that began, and nobody asked to end, may be made anew. */
  private async lost(seen: readonly Seen[]): Promise<void> {
    await this.killAll();
    const begun = seen.some(({ member, state }) => member.member.role === 'main' && 'startedAtMs' in state);
    const lost = { message: LOST_MESSAGE, infrastructure: true };
    this.publish(
      begun || this.ending !== null
        ? this.observation('Gone', lost)
        : this.observation('Failed', { ...lost, neverBegan: NEVER_BEGAN.hostLost }),
    );
  }

  private async killAll(): Promise<void> {
    for (const member of this.members) await this.patiently('kill', () => member.signal('SIGKILL'));
  }

  private deadlineAtMs(startedAtMs: number): number {
    const active = activeDeadlineSeconds(this.pod.manifest);
    return Math.min(active === undefined ? Infinity : startedAtMs + active * 1000, this.pod.manifest.work.deadlineMs ?? Infinity);
  }

  /** The daemon knows no deadline, so whoever follows the pod keeps it. */
  private keepDeadline(seen: readonly Seen[]): void {
    const deadlineAtMs = this.deadlineAtMs(startOf(seen));
    if (deadlineAtMs === Infinity || this.cancelDeadline !== null) return;
    const delayMs = Math.min(Math.max(0, deadlineAtMs - this.means.clock.nowMs()), MAX_TIMER_MS);
    const timer = setTimeout(() => {
      this.patiently('deadline', () => this.ask('deadline', graceSecondsOf(this.pod.manifest)))
        .then(() => this.wake())
        .catch((error: unknown) => this.cannotSignal(error));
    }, delayMs);
    this.cancelDeadline = () => clearTimeout(timer);
  }

  private publish(observation: PodObservation): void {
    this.last = observation;
    if (!this.stopSignal.signal.aborted) this.means.observe(observation);
  }

  private observation(phase: PodObservation['phase'], facts: Partial<PodObservation>): PodObservation {
    return { identity: this.pod.identity, phase, hostNodeName: this.means.hostName, ...facts };
  }

  /** Where `graceMs` is given, a pod that has been asked to end waits no longer than that. */
  private patiently<T>(what: string, attempt: () => Promise<T>, graceMs = Infinity): Promise<T> {
    const untilMs = this.means.clock.nowMs() + graceMs;
    const isAskedToEnd = (): boolean => this.means.clock.nowMs() >= untilMs && this.ending !== null;
    const { signal } = this.stopSignal;
    const tell = (reason: string): void => {
      if (what !== 'stage' && what !== 'capture') return;
      const waiting = waitingObservation(this.last, { what, reason });
      if (waiting !== undefined) this.publish(waiting);
    };
    return untilPossible(
      { what, pod: claimedName(this.pod.identity), signal, logger: this.means.logger, isAskedToEnd, tell },
      attempt,
    );
  }
}

function startOf(seen: readonly Seen[]): number {
  const starts = seen.flatMap(({ state }) => (state.type === 'running' || state.type === 'ended' ? [state.startedAtMs] : []));
  return Math.min(...starts);
}

function addressOf(seen: readonly Seen[]): { podIP?: string } {
  const podIP = seen
    .map(({ state }) => (state.type === 'running' ? state.podIP : undefined))
    .find((address) => address !== undefined);
  return podIP === undefined ? {} : { podIP };
}
