import { type Hint } from './hint.js';

/** One hint to add: its name, content and options as BullMQ takes them. */
export interface HintAdd {
  readonly name: string;
  readonly data: Hint;
  readonly opts: HintAddOptions;
}

interface HintAddOptions {
  readonly deduplication: { readonly id: string; readonly keepLastIfActive?: boolean };
  readonly removeOnComplete: boolean;
  readonly removeOnFail: boolean;
  /** Milliseconds until it may run. */
  readonly delay?: number;
}

/** The producing half of one queue, as far as this library uses it. */
export interface HintProducer {
  addBulk(hints: readonly HintAdd[]): Promise<void>;
  /** Hints that wait and could run now; 0 while the queue is paused. */
  waitingCount(): Promise<number>;
  /** Since when the oldest of them could run, in milliseconds since 1970; undefined where none waits. */
  oldestWaitingSinceMs(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** A hint that a worker has taken. */
export interface TakenHint {
  readonly name: string;
  readonly data: Hint;
}

/** The consuming half of one queue. `run` settles when the worker has ended, by `close` or by itself. */
export interface HintWorker {
  run(): Promise<void>;
  /** Waits for running handlers unless `force`. */
  close(force: boolean): Promise<void>;
}

export interface HintWorkerOptions {
  readonly concurrency: number;
  readonly handle: (hint: TakenHint) => Promise<void>;
  readonly onError: (error: Error) => void;
  /** Anything that proves that the worker lives: a job taken, finished, stalled, a lock renewed. */
  readonly onSign: () => void;
}

/**
 * One technology under BullMQ. It can be made while its database is away: `whenReady` settles when it has been reached
 * (and its schema migrated) for the first time, `isReady` says whether it answers now.
 */
export interface QueueBackend {
  readonly kind: 'redis' | 'postgres';
  whenReady(): Promise<void>;
  isReady(): Promise<boolean>;
  /** A setting of the database by which hints are lost; undefined where there is none, or it does not say. Rejects while it is away. */
  problem(): Promise<string | undefined>;
  /** Called each time the database is back after having been away. */
  onBack(listener: () => void): void;
  createProducer(queueName: string): HintProducer;
  createWorker(queueName: string, options: HintWorkerOptions): HintWorker;
  /** The BullMQ queue itself, for dashboards only. */
  createBoardQueue(queueName: string): BoardQueue;
  close(): Promise<void>;
}

/** A BullMQ queue for a dashboard; opaque to everyone else. */
export interface BoardQueue {
  readonly name: string;
  close(): Promise<void>;
}

/** BullMQ worker settings that bound recovery: a killed worker's job runs again after at most lock + two checks. */
export const workerTiming = {
  lockDuration: 10_000,
  stalledInterval: 5_000,
  /** A hint is never given up because its workers died: the row decides what is finished. */
  maxStalledCount: 1_000_000_000,
  runRetryDelay: 1_000,
} as const;
