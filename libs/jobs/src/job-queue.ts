import { type JobDefinition } from './job.js';

/**
 * Port: says that a row has work. Hints about the same key fold together; the last one is never lost while the queue
 * lives, and each may be lost with it (a sweeper makes it again). No method ever blocks a caller for longer than a
 * bounded wait, and none rejects because the queue is away.
 */
export interface JobQueue {
  /** Wakes the handler of `job` for the row that `payload` names, as soon as possible. */
  wake<Payload>(job: JobDefinition<Payload>, payload: Payload): Promise<void>;
  /** The same for many rows of one kind, in one round trip where the backend can. */
  wakeMany<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void>;
  /**
   * Wakes rows whose earlier hints brought nothing: folds only with the same call of the same minute, never with a hint
   * that may be stuck. For sweepers.
   */
  wakeAfresh<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void>;
  /** Wakes the handler at `atMs` (milliseconds since 1970) or soon after. Timers of one key do not fold with its wake-ups. */
  wakeAt<Payload>(job: JobDefinition<Payload>, payload: Payload, atMs: number): Promise<void>;
}

/**
 * What a handler may answer: nothing (done for now), `again` (more work is known: run once more after the others), or a
 * time in milliseconds since 1970 at which the row is due next.
 */
export type JobOutcome = void | { readonly again: true } | { readonly wakeAtMs: number };
