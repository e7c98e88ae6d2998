import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { AdvisoryLease, RecordRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface OffloadPrunerOptions {
  records: Pick<RecordRepository, 'pruneOffloaded'>;
  lease: Pick<AdvisoryLease, 'run'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
  /** Age below which nothing is dropped: somebody may just be reading it. */
  ttlMs: number;
}

const BATCH = 500;

/** Every interval, in one process at a time: drops offloaded versions that no record names any more. Dropping twice is harmless. */
export const offloadPruner = ({ records, lease, clock, logger, intervalMs, ttlMs }: OffloadPrunerOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'prune offloaded',
    intervalMs,
    logger,
    lease,
    run: async () => {
      while ((await records.pruneOffloaded(clock.nowMs() - ttlMs, BATCH)) === BATCH);
    },
  });
