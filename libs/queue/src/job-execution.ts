import { type JobDefinition, type JobOutcome, type JobQueue } from '#libs/jobs';
import { type Clock, PermanentError, TransientError, UserError } from '#libs/workflow-spec';

import { HintPayloadError } from './errors.js';
import { type QueueLogger, type QueueTelemetry, RunOutcome } from './telemetry.js';

/** The work of one job kind: reads the row that the payload names, converges, and stops. */
export type JobHandler<Payload> = (payload: Payload) => Promise<JobOutcome>;

export interface JobExecutionOptions<Payload> {
  readonly job: JobDefinition<Payload>;
  readonly handler: JobHandler<Payload>;
  readonly queue: JobQueue;
  readonly clock: Clock;
  readonly logger: QueueLogger;
  readonly telemetry: QueueTelemetry;
}

const FIRST_BACKOFF_MS = 250;
const BACKOFF_LIMIT_MS = 30_000;
const REMEMBERED_FAILURES = 10_000;
/** A run of this length is named in the log, since its row gets no other meanwhile. */
const LONG_RUN_MS = 60_000;

/**
 * Runs a handler and decides by the class of its error what becomes of the hint. This is the only place where that is
 * decided: UserError: logged, done. TransientError: the row is woken again after a growing delay. PermanentError: failed,
 * alert. Anything else is a bug: failed, with its stack. Failed rows stay due, so the sweeper comes back to them.
 */
export class JobExecution<Payload> {
  /** Transient failures in a row, by key. */
  private readonly failures = new Map<string, number>();

  constructor(private readonly options: JobExecutionOptions<Payload>) {}

  /** Rejects where the hint has failed (permanent error or bug). */
  async run(payload: unknown): Promise<void> {
    const startedMs = performance.now();
    const { job, logger } = this.options;
    const warning = setTimeout(() => logger.warn('a handler runs long', { queue: job.queue, payload }), LONG_RUN_MS).unref();
    const report = (outcome: RunOutcome): void => this.options.telemetry.ran(job.queue, outcome, performance.now() - startedMs);
    try {
      const outcome = await this.handle(payload);
      report(outcome);
    } catch (error) {
      report(error instanceof PermanentError ? RunOutcome.Permanent : RunOutcome.Bug);
      this.logFailure(error, payload);
      throw error;
    } finally {
      clearTimeout(warning);
    }
  }

  private async handle(raw: unknown): Promise<RunOutcome> {
    const { job, handler, logger } = this.options;
    const parsed = job.payload.safeParse(raw);
    if (!parsed.success) throw new HintPayloadError(`hint of queue ${job.queue} is malformed: ${parsed.error.message}`);
    const key = job.keyOf(parsed.data);
    try {
      await this.follow(parsed.data, await handler(parsed.data));
      this.failures.delete(key);
      return RunOutcome.Done;
    } catch (error) {
      if (error instanceof UserError) {
        logger.info('job refused', { queue: job.queue, key, error: error.message });
        return RunOutcome.UserError;
      }
      if (!(error instanceof TransientError)) throw error;
      const delayMs = this.nextDelayMs(key);
      logger.warn('job is tried again', { queue: job.queue, key, error: error.message, delayMs });
      await this.options.queue.wakeAt(job, parsed.data, this.options.clock.nowMs() + delayMs);
      return RunOutcome.Transient;
    }
  }

  private async follow(payload: Payload, outcome: JobOutcome): Promise<void> {
    if (outcome === undefined) return;
    const { job, queue } = this.options;
    if ('again' in outcome) await queue.wake(job, payload);
    else await queue.wakeAt(job, payload, outcome.wakeAtMs);
  }

  private nextDelayMs(key: string): number {
    const failures = (this.failures.get(key) ?? 0) + 1;
    if (this.failures.size >= REMEMBERED_FAILURES) this.failures.clear();
    this.failures.set(key, failures);
    const fullMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), BACKOFF_LIMIT_MS);
    return fullMs * (0.75 + Math.random() / 4);
  }

  private logFailure(error: unknown, payload: unknown): void {
    const { job, logger } = this.options;
    const stack = error instanceof Error ? error.stack : String(error);
    logger.error(error instanceof PermanentError ? 'job failed for good' : 'job failed by a bug', {
      queue: job.queue,
      payload,
      error: stack,
    });
  }
}
