import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { ArtifactDeletionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface FinishedPurgeOptions {
  deletions: Pick<ArtifactDeletionRepository, 'purgeFinished'>;
  clock: Clock;
  logger: Logger;
  keepMs: number;
}

const ROWS_PER_PURGE = 1000;
const INTERVAL_MS = 600_000;

/** Forgets rows of workflows that are gone, when they were done long ago. Every replica runs it: deleting twice is harmless. */
export const finishedPurge = ({ deletions, clock, logger, keepMs }: FinishedPurgeOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'purge finished artifact deletions',
    intervalMs: INTERVAL_MS,
    logger,
    run: async () => {
      const finishedBeforeMs = clock.nowMs() - keepMs;
      while ((await deletions.purgeFinished({ finishedBeforeMs, limit: ROWS_PER_PURGE })) === ROWS_PER_PURGE);
    },
  });
