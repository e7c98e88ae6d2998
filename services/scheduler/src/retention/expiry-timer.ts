import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { PodRepository, RequestRepository, RetentionRepository } from '#libs/store';
import type { Clock, ControllerConfig } from '#libs/workflow-spec';

export interface ExpiryTimerOptions {
  retention: Pick<RetentionRepository, 'dueTtl' | 'beyondRetention' | 'markDeleted'>;
  pods: Pick<PodRepository, 'purgeDeleted'>;
  requests: Pick<RequestRepository, 'prune'>;
  queue: JobQueue;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
  /** Argo's `retentionPolicy` as it is now: how many ended workflows are kept, by how they ended; absent or 0: all. */
  limits?: () => ControllerConfig['retentionPolicy'];
  /** Whose workflows the limits are about. */
  instanceId?: string;
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
      await deleteBeyondLimits(options);
      await forget(options);
    },
  });

async function deleteExpired(options: ExpiryTimerOptions): Promise<void> {
  const { retention, clock } = options;
  while ((await deleteAll(options, await retention.dueTtl({ nowMs: clock.nowMs(), limit: BATCH }))) === BATCH);
}

async function deleteBeyondLimits(options: ExpiryTimerOptions): Promise<void> {
  const { retention, limits, instanceId = '' } = options;
  const { completed, failed, errored } = limits?.() ?? {};
  for (const [phase, keep] of [
    ['Succeeded', completed],
    ['Failed', failed],
    ['Error', errored],
  ] as const) {
    if (!keep) continue;
    while ((await deleteAll(options, await retention.beyondRetention({ phase, keep, instanceId, limit: BATCH }))) === BATCH);
  }
}

/** Gives how many it asked to delete. */
async function deleteAll({ retention, queue, clock }: ExpiryTimerOptions, uids: readonly string[]): Promise<number> {
  for (const uid of uids) await retention.markDeleted(uid, clock.nowMs());
  if (uids.length > 0) {
    await queue.wakeMany(
      WorkflowJob,
      uids.map((workflow) => ({ workflow })),
    );
  }
  return uids.length;
}

async function forget({ pods, requests, clock }: ExpiryTimerOptions): Promise<void> {
  while ((await pods.purgeDeleted({ deletedBeforeMs: clock.nowMs(), limit: BATCH })) === BATCH);
  while ((await requests.prune(clock.nowMs() - KEEP_ANSWERS_MS, BATCH)) === BATCH);
}
