import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { AdvisoryLease, RecordRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { OffloadElsewhere } from '../offloading/offload-elsewhere.js';

export interface OffloadPrunerOptions {
  records: Pick<RecordRepository, 'pruneOffloaded'>;
  /** See ProjectionPorts. */
  elsewhere: () => Promise<Pick<OffloadElsewhere, 'prune'> | undefined>;
  lease: Pick<AdvisoryLease, 'run'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
  /** Age below which nothing is dropped: somebody may just be reading it. */
  ttlMs: number;
}

const BATCH = 500;

/**
 * Every interval, in one process at a time: drops offloaded versions that no record names any more, beside our tables and where
 * `persistence` says they are now. Dropping twice is harmless.
 */
export const offloadPruner = (options: OffloadPrunerOptions): PeriodicTask => {
  const { records, elsewhere, lease, clock, logger, intervalMs, ttlMs } = options;
  return new PeriodicTask({
    name: 'prune offloaded',
    intervalMs,
    logger,
    lease,
    run: async () => {
      const beforeMs = clock.nowMs() - ttlMs;
      while ((await records.pruneOffloaded(beforeMs, BATCH)) === BATCH);
      const there = await elsewhere();
      while (there !== undefined && (await there.prune(beforeMs, BATCH)) === BATCH);
    },
  });
};
