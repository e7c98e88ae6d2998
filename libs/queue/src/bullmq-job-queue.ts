import { type JobDefinition, type JobQueue, queueNameOf } from '#libs/jobs';
import { type Clock } from '#libs/workflow-spec';

import { type HintAdd, type HintProducer, type QueueBackend } from './backend.js';
import { endsWithin } from './bounded-wait.js';
import { foldingOptions, type Hint, HintName, timerKey } from './hint.js';
import { type QueueLogger, type QueueTelemetry } from './telemetry.js';

export interface BullMqJobQueueOptions {
  readonly backend: QueueBackend;
  readonly clock: Clock;
  readonly logger: QueueLogger;
  readonly telemetry: QueueTelemetry;
}

/** What waits in one queue. */
export interface QueueBacklog {
  readonly waitingCount: number;
  /** How long the oldest hint has waited that could run; 0 where none waits. */
  readonly ageMs: number;
}

/** Longest that a caller waits for the queue's database to take a hint. */
const ADD_WAIT_MS = 1_000;
const BULK_SIZE = 500;
const RETRY_MS = 500;
/** Hints kept in memory while the queue is away; equal ones count once. */
const BUFFERED_HINTS = 20_000;

/**
 * Adds hints to BullMQ queues, for any process to take. While the database is away hints are kept in memory, folded by
 * key, and sent when it is back; beyond the buffer they are dropped and counted. Callers wait at most one second.
 */
export class BullMqJobQueue implements JobQueue {
  private readonly producers = new Map<string, HintProducer>();
  private readonly buffer = new Map<string, { readonly queueName: string; readonly hint: HintAdd }>();
  private reachable = false;
  private closing = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly options: BullMqJobQueueOptions) {
    options.backend.onBack(() => this.flush());
    void options.backend.whenReady().then(() => this.flush());
  }

  wake<Payload>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    return this.wakeMany(job, [payload]);
  }

  async wakeMany<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    this.options.telemetry.woken(job.queue, payloads.length);
    await this.addCopies(job, payloads, { origin: '', sequence: 0, dedupSuffix: '' });
  }

  async wakeAfresh<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    const minute = Math.floor(this.options.clock.nowMs() / 60_000);
    await this.addCopies(job, payloads, { origin: '', sequence: 0, dedupSuffix: `!${minute}` });
  }

  /** Adds wake-ups that are copies of hints delivered inside process `origin`; `dedupSuffix` keeps them apart from others' hints. */
  async addCopies<Payload>(
    job: JobDefinition<Payload>,
    payloads: readonly Payload[],
    copy: { readonly origin: string; readonly sequence: number; readonly dedupSuffix: string },
  ): Promise<void> {
    const byQueue = new Map<string, HintAdd[]>();
    for (const payload of payloads) {
      const queueName = queueNameOf(job, job.laneOf?.(payload));
      const data: Hint = { payload, origin: copy.origin, sequence: copy.sequence };
      const hint = { name: HintName.Wake, data, opts: foldingOptions(job.keyOf(payload) + copy.dedupSuffix) };
      const sameQueue = byQueue.get(queueName);
      if (sameQueue === undefined) byQueue.set(queueName, [hint]);
      else sameQueue.push(hint);
    }
    await Promise.all([...byQueue].map(([queueName, hints]) => this.send(queueName, hints)));
  }

  async wakeAt<Payload>(job: JobDefinition<Payload>, payload: Payload, atMs: number): Promise<void> {
    const delay = Math.max(0, Math.ceil(atMs - this.options.clock.nowMs()));
    if (delay === 0) return this.wake(job, payload);
    const opts = { deduplication: { id: timerKey(job.keyOf(payload), atMs) }, delay, removeOnComplete: true, removeOnFail: true };
    const hint = { name: HintName.Timer, data: { payload, origin: '', sequence: 0 }, opts };
    return this.send(queueNameOf(job, job.laneOf?.(payload)), [hint]);
  }

  /** Hints that wait in `queueName`. */
  waitingCount(queueName: string): Promise<number> {
    return this.producer(queueName).waitingCount();
  }

  /** How many hints wait in `queueName`, and how long the oldest of them has waited. Rejects while the database is away. */
  async backlog(queueName: string): Promise<QueueBacklog> {
    const producer = this.producer(queueName);
    const waitingCount = await producer.waitingCount();
    const sinceMs = waitingCount === 0 ? undefined : await producer.oldestWaitingSinceMs();
    return { waitingCount, ageMs: sinceMs === undefined ? 0 : Math.max(0, this.options.clock.nowMs() - sinceMs) };
  }

  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.retry);
    await Promise.all([...this.producers.values()].map((producer) => producer.close().catch(() => undefined)));
  }

  private async send(queueName: string, hints: readonly HintAdd[]): Promise<void> {
    if (this.closing) return;
    if (!this.reachable) return this.keep(queueName, hints);
    for (let from = 0; from < hints.length; from += BULK_SIZE) {
      const slice = hints.slice(from, from + BULK_SIZE);
      if (!(await endsWithin(this.add(queueName, slice), ADD_WAIT_MS))) this.suspend(queueName, slice);
    }
  }

  private async add(queueName: string, hints: readonly HintAdd[]): Promise<void> {
    try {
      await this.producer(queueName).addBulk(hints);
    } catch (error) {
      if (this.closing) return;
      this.options.logger.warn('queue takes no hints', { queue: queueName, error: (error as Error).message });
      this.discardProducer(queueName);
      this.suspend(queueName, hints);
    }
  }

  /** Sends nothing until the database answers again. */
  private suspend(queueName: string, hints: readonly HintAdd[]): void {
    this.keep(queueName, hints);
    this.reachable = false;
    this.tryLater();
  }

  private keep(queueName: string, hints: readonly HintAdd[]): void {
    for (const hint of hints) {
      const id = `${queueName} ${hint.opts.deduplication.id}`;
      if (this.buffer.size < BUFFERED_HINTS || this.buffer.has(id)) this.buffer.set(id, { queueName, hint });
      else this.options.telemetry.hintDropped(queueName, 'buffer_full');
    }
  }

  /** The backend says when it is back after an outage; a refusal while it was there is tried again by time. */
  private tryLater(): void {
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      void this.retrySending();
    }, RETRY_MS).unref();
  }

  private async retrySending(): Promise<void> {
    let ready = false;
    const asked = this.options.backend.isReady().then((answer) => (ready = answer));
    await endsWithin(asked, ADD_WAIT_MS);
    if (ready) this.flush();
    else if (!this.closing) this.tryLater();
  }

  private flush(): void {
    if (this.closing) return;
    this.reachable = true;
    const byQueue = new Map<string, HintAdd[]>();
    for (const { queueName, hint } of this.buffer.values()) byQueue.set(queueName, [...(byQueue.get(queueName) ?? []), hint]);
    this.buffer.clear();
    for (const [queueName, hints] of byQueue) void this.send(queueName, hints);
  }

  private producer(queueName: string): HintProducer {
    const known = this.producers.get(queueName);
    if (known !== undefined) return known;
    const producer = this.options.backend.createProducer(queueName);
    this.producers.set(queueName, producer);
    return producer;
  }

  /** BullMQ remembers a failed first connection for ever, so a producer that failed is made anew. */
  private discardProducer(queueName: string): void {
    const producer = this.producers.get(queueName);
    this.producers.delete(queueName);
    void producer?.close().catch(() => undefined);
  }
}
