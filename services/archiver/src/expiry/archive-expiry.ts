import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { AdvisoryLease, ArchiveStore } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface ArchiveExpiryOptions {
  archive: Pick<ArchiveStore, 'deleteFinishedBefore'>;
  lease: Pick<AdvisoryLease, 'run'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
  /** Age at which an archived workflow is deleted, counted from its end; absent: never. */
  ttlMs?: number | undefined;
}

const BATCH = 500;

/**
 * At the start and every interval, in one process at a time: deletes what is older than the archive's TTL. Deleting twice is
 * harmless. Undefined where the archive has no TTL.
 */
export function archiveExpiry(options: ArchiveExpiryOptions): PeriodicTask | undefined {
  const { archive, lease, clock, logger, intervalMs, ttlMs } = options;
  if (ttlMs === undefined) return undefined;
  return new PeriodicTask({
    name: 'archive expiry',
    intervalMs,
    logger,
    lease,
    atStart: true,
    run: async () => {
      while ((await archive.deleteFinishedBefore(clock.nowMs() - ttlMs, BATCH)) === BATCH);
    },
  });
}
