import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
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
export const expiryTimer = (options: ExpiryTimerOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'retention',
    intervalMs: options.intervalMs,
    logger: options.logger,
    run: async () => {
      await deleteExpired(options);
      await forget(options);
    },
  });

async function deleteExpired({ retention, queue, clock }: ExpiryTimerOptions): Promise<void> {
  for (;;) {
    const expired = await retention.dueTtl({ nowMs: clock.nowMs(), limit: BATCH });
    if (expired.length === 0) return;
    for (const uid of expired) await retention.markDeleted(uid, clock.nowMs());
    await queue.wakeMany(
      WorkflowJob,
      expired.map((workflow) => ({ workflow })),
    );
    if (expired.length < BATCH) return;
  }
}

async function forget({ pods, requests, clock }: ExpiryTimerOptions): Promise<void> {
  while ((await pods.purgeDeleted({ deletedBeforeMs: clock.nowMs(), limit: BATCH })) === BATCH);
  while ((await requests.prune(clock.nowMs() - KEEP_ANSWERS_MS, BATCH)) === BATCH);
}
