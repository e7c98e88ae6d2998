import { setTimeout as sleep } from 'node:timers/promises';
import type { PodManifest, RuntimeAbilities, TaskOrder } from '#libs/pod-spec';
import type {
  ClaimKey,
  ClaimOutcome,
  CreateOutcome,
  LogLine,
  LogOptions,
  NewClaim,
  PodIdentity,
  PodObservation,
  PodPlaceHint,
  PodRuntime,
} from '#libs/runtimes';
import type { TaskRow } from '#libs/store';
import type { MadePods } from './side-pods/made-pods.js';
import { SidePods } from './side-pods/side-pods.js';
import { TaskCourse, type TaskCourseParts } from './task-course.js';

export interface TaskRuntimeParts extends Omit<TaskCourseParts, 'observe'> {
  /** Runs what is no task. */
  pods: PodRuntime;
  /** Tasks of this host that have begun and not ended. */
  openTasks: () => Promise<TaskRow[]>;
  maxTasks: number;
  plugins: { close(): Promise<void> };
  /** Deletes what belonged to workflows that are gone. */
  collection: { start(): void; stop(): Promise<void> };
  sidePods: SidePods;
  madePods: MadePods;
  /** Ends connections of the tasks' own. */
  close?: () => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** Ended tasks whose logs are kept in memory; the oldest go first. */
const REMEMBERED_TASKS = 1_000;

type TaskManifest = PodManifest & { work: { task: TaskOrder } };
const isTask = (manifest: PodManifest): manifest is TaskManifest => manifest.work.task !== undefined;
const keyOf = ({ workflowUid, nodeId, incarnation }: PodIdentity): string => `${workflowUid}/${nodeId}/${incarnation}`;

/**
 * A runtime that does tasks itself and leaves pods to another. A task lives in this process; the row of the pod is what outlives it: at the
 * start the tasks of this host that had begun are begun again from their beginning, as Argo's agent does (at least once).
 *
 * Crash points: before the end of a task is recorded it is done again; after it nothing is left to do.
 */
export class TaskRuntime implements PodRuntime {
  readonly name: string;
  readonly abilities?: RuntimeAbilities;
  readonly followShards?: NonNullable<PodRuntime['followShards']>;
  private readonly courses = new Map<string, TaskCourse>();
  private observe: TaskCourseParts['observe'] = async () => undefined;
  private adopted: Promise<void> = Promise.resolve();
  private isClosing = false;

  constructor(private readonly parts: TaskRuntimeParts) {
    this.name = parts.pods.name;
    if (parts.pods.abilities !== undefined) this.abilities = parts.pods.abilities;
    const followShards = parts.pods.followShards?.bind(parts.pods);
    if (followShards !== undefined) this.followShards = followShards;
  }

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    this.observe = observe;
    await this.parts.pods.start((seen) => this.take(seen));
    this.adopted = this.adopt();
    this.parts.collection.start();
  }

  /** Side pods are the tasks' own business; the rest is the workflows'. */
  private async take(observations: PodObservation[]): Promise<void> {
    const others = observations.filter(({ identity }) => !SidePods.isSide(identity));
    if (others.length > 0) await this.observe(others);
    await this.parts.sidePods.take(observations.filter(({ identity }) => SidePods.isSide(identity)));
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    if (!isTask(manifest)) return this.parts.pods.create(identity, manifest);
    if (this.courses.has(keyOf(identity))) return { type: 'adopted' };
    const running = [...this.courses.values()].filter(({ isDone }) => !isDone).length;
    if (running >= this.parts.maxTasks) return { type: 'busy', message: `${running} tasks are running` };
    this.begin(identity, manifest);
    return { type: 'created' };
  }

  get keepsStrays(): boolean {
    return this.parts.pods.keepsStrays === true;
  }

  async takeOver(identity: PodIdentity, manifest: PodManifest): Promise<boolean> {
    return (await this.parts.pods.takeOver?.(identity, manifest)) ?? false;
  }

  async terminate(identity: PodIdentity, graceSeconds: number, place?: PodPlaceHint): Promise<void> {
    const course = await this.courseOf(identity);
    if (course === undefined) return this.parts.pods.terminate(identity, graceSeconds, place);
    course.stop('terminated');
  }

  async delete(identity: PodIdentity, place?: PodPlaceHint): Promise<void> {
    const course = await this.courseOf(identity);
    if (course === undefined) return this.parts.pods.delete(identity, place);
    course.stop('deleted');
    this.courses.delete(keyOf(identity));
  }

  /** A task of this process tells its end until it is heard; there is nothing to ask. */
  async inspect(identity: PodIdentity): Promise<void> {
    if ((await this.courseOf(identity)) === undefined) await this.parts.pods.inspect(identity);
  }

  async *logs(identity: PodIdentity, options: LogOptions): AsyncGenerator<LogLine> {
    const course = this.courses.get(keyOf(identity));
    yield* course === undefined ? this.parts.pods.logs(identity, options) : course.log.read(options);
  }

  async createClaim(claim: NewClaim): Promise<ClaimOutcome> {
    const made = await this.parts.pods.createClaim?.(claim);
    return made ?? { type: 'refused', message: `the runtime ${this.name} has no volumes that outlive pods` };
  }

  async deleteClaim(claim: ClaimKey): Promise<void> {
    await this.parts.pods.deleteClaim?.(claim);
  }

  /** Tasks are this process's own; pods may be shared. */
  followsPod(identity: PodIdentity): boolean {
    return this.courses.has(keyOf(identity)) || (this.parts.pods.followsPod?.(identity) ?? true);
  }

  async buryHost(host: string): Promise<void> {
    await this.parts.pods.buryHost?.(host);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.parts.madePods.close();
    await this.parts.collection.stop();
    const courses = [...this.courses.values()];
    for (const course of courses) course.stop('closing');
    await Promise.allSettled([this.adopted, ...courses.map(({ done }) => done)]);
    await this.parts.plugins.close();
    await this.parts.pods.close();
    this.parts.close?.();
  }

  private async courseOf(identity: PodIdentity): Promise<TaskCourse | undefined> {
    const known = this.courses.get(keyOf(identity));
    if (known !== undefined) return known;
    await this.adopted;
    return this.courses.get(keyOf(identity));
  }

  private begin(identity: PodIdentity, manifest: TaskManifest): void {
    const course = new TaskCourse(identity, manifest, { ...this.parts, observe: (seen) => this.observe(seen) });
    this.courses.set(keyOf(identity), course);
    course.done.catch((error: unknown) => this.parts.logger.error('a task was lost', { err: error, node: identity.nodeId }));
    if (this.courses.size > REMEMBERED_TASKS) this.forgetOldest();
  }

  private forgetOldest(): void {
    for (const [key, { isDone }] of this.courses) {
      if (this.courses.size <= REMEMBERED_TASKS) return;
      if (isDone) this.courses.delete(key);
    }
  }

  private async adopt(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.isClosing; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        for (const row of await this.parts.openTasks()) await this.resume(row);
        await this.parts.madePods.resume();
        return;
      } catch (error) {
        this.parts.logger.warn('the tasks of this host cannot be read; trying again', { err: error, pauseMs });
        await sleep(pauseMs);
      }
    }
  }

  /** Goes on with a task of a predecessor; one that is to end by now only tells so. */
  private async resume({ key, desired, manifest }: TaskRow): Promise<void> {
    if (!isTask(manifest) || this.courses.has(keyOf(key))) return;
    if (manifest.work.adopts !== undefined && (await this.takeOver(key, manifest))) return;
    this.begin(key, manifest);
    if (desired !== 'run') this.courses.get(keyOf(key))?.stop(desired === 'terminate' ? 'terminated' : 'deleted');
  }
}
