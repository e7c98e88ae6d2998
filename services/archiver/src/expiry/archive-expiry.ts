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
  /** Age at which an archived workflow is deleted now, counted from its end; undefined or 0: never. Rejects while it is not known. */
  ttlMs: () => Promise<number | undefined>;
}

const BATCH = 500;

/**
 * At the start and every interval, in one process at a time: deletes what is older than the archive's TTL. Deleting twice is
 * harmless. Without a TTL a run does nothing.
 */
export function archiveExpiry(options: ArchiveExpiryOptions): PeriodicTask {
  const { archive, lease, clock, logger, intervalMs, ttlMs } = options;
  return new PeriodicTask({
    name: 'archive expiry',
    intervalMs,
    logger,
    lease,
    atStart: true,
    run: async () => {
      const ageMs = await ttlMs();
      if (!ageMs) return;
      while ((await archive.deleteFinishedBefore(clock.nowMs() - ageMs, BATCH)) === BATCH);
    },
  });
}
