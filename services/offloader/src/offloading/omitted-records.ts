import { type JobQueue, RecordJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { AdvisoryLease, RecordRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { OffloadPolicy } from './offload-policy.js';

export interface OmittedRecordsOptions {
  records: Pick<RecordRepository, 'reopenOmitted'>;
  policy: () => Promise<OffloadPolicy>;
  queue: JobQueue;
  lease: Pick<AdvisoryLease, 'run'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

const BATCH = 500;

/** Records that were made without their nodes are made again once nodes may be offloaded. A hint that is lost is found by the sweeper. */
export const omittedRecords = (options: OmittedRecordsOptions): PeriodicTask => {
  const { records, policy, queue, lease, clock, logger, intervalMs } = options;
  return new PeriodicTask({
    name: 'records without nodes',
    intervalMs,
    logger,
    lease,
    run: async () => {
      if (!(await policy()).offload) return;
      for (let count = BATCH; count === BATCH;) {
        const uids = await records.reopenOmitted(BATCH, clock.nowMs());
        await queue.wakeMany(
          RecordJob,
          uids.map((workflow) => ({ workflow })),
        );
        count = uids.length;
      }
    },
  });
};
