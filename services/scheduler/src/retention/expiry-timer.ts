import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import type { PodRepository, RequestRepository, RetentionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface ExpiryTimerOptions {
  retention: Pick<RetentionRepository, 'dueTtl' | 'markDeleted'>;
  pods: Pick<PodRepository, 'purgeDeleted'>;
  requests: Pick<RequestRepository, 'prune'>;
  queue: JobQueue;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

const BATCH = 500;
/** Answers of requests are kept this long, so that an asker who repeats a request gets the same answer. */
const KEEP_ANSWERS_MS = 3_600_000;

/**
 * Every interval: asks for the deletion of workflows whose TTL has passed, and forgets what nobody needs any more (rows of pods
 * that are gone, old answers). Two replicas doing it at once do it twice without harm.
 */
export class ExpiryTimer {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: ExpiryTimerOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.run(), this.options.intervalMs);
    this.timer.unref();
  }

  /** One pass; joins the one in progress. Failures are logged: the next pass does the same work. */
  run(): Promise<void> {
    this.running ??= this.pass()
      .catch((error: unknown) => {
        this.options.logger.debug('retention could not run', { error: error instanceof Error ? error.message : String(error) });
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async pass(): Promise<void> {
    const { retention, pods, requests, queue, clock } = this.options;
    for (let expired = await this.nextExpired(); expired.length > 0; expired = await this.nextExpired()) {
      for (const uid of expired) await retention.markDeleted(uid, clock.nowMs());
      await queue.wakeMany(
        WorkflowJob,
        expired.map((workflow) => ({ workflow })),
      );
      if (expired.length < BATCH) break;
    }
    while ((await pods.purgeDeleted({ deletedBeforeMs: clock.nowMs(), limit: BATCH })) === BATCH);
    while ((await requests.prune(clock.nowMs() - KEEP_ANSWERS_MS, BATCH)) === BATCH);
  }

  private nextExpired(): Promise<string[]> {
    return this.options.retention.dueTtl({ nowMs: this.options.clock.nowMs(), limit: BATCH });
  }
}
