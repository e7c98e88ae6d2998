import { randomUUID } from 'node:crypto';

import { type JobDefinition, type JobQueue, queueNameOf } from '#libs/jobs';
import { type Clock } from '#libs/workflow-spec';

import { type BullMqJobQueue } from './bullmq-job-queue.js';
import { RowNotBegunError } from './errors.js';
import { type RowRunner } from './row-runner.js';
import { type QueueTelemetry } from './telemetry.js';

/** Where hints of this process are handled: the runner of each queue that it consumes. */
export class LocalRunners {
  /** Names this process in the copies of its hints. */
  readonly origin: string = randomUUID();
  private readonly runners = new Map<string, RowRunner>();
  private sequence = 0;

  nextSequence(): number {
    this.sequence += 1;
    return this.sequence;
  }

  newestSequence(): number {
    return this.sequence;
  }

  register(queueName: string, runner: RowRunner): void {
    this.runners.set(queueName, runner);
  }

  unregister(queueName: string): void {
    this.runners.delete(queueName);
  }

  find(queueName: string): RowRunner | undefined {
    return this.runners.get(queueName);
  }
}

/** A hint handled inside this process is copied to BullMQ only if it is not done by then. */
const COPY_AFTER_MS = 250;
/** Node's timers hold at most this; a later time is reached in several steps. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Delivers hints in memory to a handler of the same process, and by BullMQ as well where the handler has not finished
 * within a quarter of a second, so that the hint outlives the process. Copies carry this process's origin and fold only
 * among themselves: a waiting copy never absorbs a hint of another process, which alone makes it safe to skip a copy whose
 * row has run since. Timers of rows handled here are process timers. Other queues' hints go to BullMQ at once.
 */
export class LocalFirstJobQueue implements JobQueue {
  private readonly unfinished = new Map<number, () => Promise<void>>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private copying: NodeJS.Timeout | undefined;

  constructor(
    private readonly local: LocalRunners,
    private readonly remote: BullMqJobQueue,
    private readonly clock: Clock,
    private readonly telemetry: QueueTelemetry,
  ) {}

  wake<Payload>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    const runner = this.local.find(queueNameOf(job, job.laneOf?.(payload)));
    if (runner === undefined) return this.remote.wake(job, payload);
    this.deliver(runner, job, payload);
    return Promise.resolve();
  }

  async wakeMany<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    const elsewhere: Payload[] = [];
    for (const payload of payloads) {
      const runner = this.local.find(queueNameOf(job, job.laneOf?.(payload)));
      if (runner === undefined) elsewhere.push(payload);
      else this.deliver(runner, job, payload);
    }
    if (elsewhere.length > 0) await this.remote.wakeMany(job, elsewhere);
  }

  wakeAfresh<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    return this.remote.wakeAfresh(job, payloads);
  }

  async wakeAt<Payload>(job: JobDefinition<Payload>, payload: Payload, atMs: number): Promise<void> {
    const queueName = queueNameOf(job, job.laneOf?.(payload));
    if (this.local.find(queueName) === undefined) return this.remote.wakeAt(job, payload, atMs);
    const id = `${queueName} ${job.keyOf(payload)} ${atMs}`;
    if (!this.timers.has(id)) this.arm(id, atMs, () => void this.wake(job, payload));
  }

  /** Leaves what is unfinished to other processes: copies it to BullMQ. */
  async close(): Promise<void> {
    clearTimeout(this.copying);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    await this.copyUnfinished();
  }

  private deliver<Payload>(runner: RowRunner, job: JobDefinition<Payload>, payload: Payload): void {
    this.telemetry.woken(job.queue, 1);
    const sequence = this.local.nextSequence();
    const forget = (): void => void this.unfinished.delete(sequence);
    const copy = { origin: this.local.origin, sequence, dedupSuffix: `@${this.local.origin}` };
    this.unfinished.set(sequence, () => this.remote.addCopies(job, [payload], copy));
    const forgetUnlessLeft = (error: unknown): void => {
      if (!(error instanceof RowNotBegunError)) forget();
    };
    runner.deliver(job.keyOf(payload), payload).then(forget, forgetUnlessLeft);
    this.copying ??= setTimeout(() => {
      this.copying = undefined;
      void this.copyUnfinished();
    }, COPY_AFTER_MS).unref();
  }

  private async copyUnfinished(): Promise<void> {
    const copies = [...this.unfinished.values()];
    this.unfinished.clear();
    await Promise.all(copies.map((copy) => copy()));
  }

  private arm(id: string, atMs: number, fire: () => void): void {
    const delayMs = Math.max(0, atMs - this.clock.nowMs());
    const timer = setTimeout(
      () => {
        this.timers.delete(id);
        if (delayMs > LONGEST_TIMER_MS) this.arm(id, atMs, fire);
        else fire();
      },
      Math.min(delayMs, LONGEST_TIMER_MS),
    );
    timer.unref();
    this.timers.set(id, timer);
  }
}
