import { type JobQueue, RecordJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { AdvisoryLease, RecordRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { OffloadElsewhere } from './offload-elsewhere.js';
import type { OffloadPolicy } from './offload-policy.js';

export interface RecordRenewalOptions {
  records: Pick<RecordRepository, 'reopenMisplaced'>;
  policy: () => Promise<OffloadPolicy>;
  /** See ProjectionPorts. */
  elsewhere: () => Promise<Pick<OffloadElsewhere, 'place'> | undefined>;
  queue: JobQueue;
  lease: Pick<AdvisoryLease, 'run'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

const BATCH = 500;

/**
 * Records are made again that were made without their nodes while nodes might not be offloaded, or whose nodes went to a database that
 * is no longer the one in effect. A hint that is lost is found by the sweeper.
 */
export const recordRenewal = (options: RecordRenewalOptions): PeriodicTask => {
  const { records, policy, elsewhere, queue, lease, clock, logger, intervalMs } = options;
  return new PeriodicTask({
    name: 'renew records',
    intervalMs,
    logger,
    lease,
    run: async () => {
      if (!(await policy()).offload) return;
      const place = (await elsewhere())?.place;
      for (let count = BATCH; count === BATCH;) {
        const uids = await records.reopenMisplaced(place, BATCH, clock.nowMs());
        await queue.wakeMany(
          RecordJob,
          uids.map((workflow) => ({ workflow })),
        );
        count = uids.length;
      }
    },
  });
};
