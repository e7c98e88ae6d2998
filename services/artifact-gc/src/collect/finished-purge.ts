import type { Logger } from '#libs/observability';
import type { ArtifactDeletionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

const ROWS_PER_PURGE = 1000;
const INTERVAL_MS = 60_000;

/** Forgets rows that were done long ago. Every replica runs it: deleting twice is harmless. States: stopped, resting, purging. */
export class FinishedPurge {
  private timer: NodeJS.Timeout | undefined;
  private purging: Promise<void> | undefined;

  constructor(
    private readonly ports: {
      deletions: Pick<ArtifactDeletionRepository, 'purgeFinished'>;
      clock: Clock;
      logger: Pick<Logger, 'warn'>;
      keepMs: number;
    },
  ) {}

  start(): void {
    this.timer ??= setInterval(() => void (this.purging = this.purge()), INTERVAL_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.purging;
  }

  private async purge(): Promise<void> {
    const { deletions, clock, logger, keepMs } = this.ports;
    try {
      const finishedBeforeMs = clock.nowMs() - keepMs;
      while ((await deletions.purgeFinished({ finishedBeforeMs, limit: ROWS_PER_PURGE })) === ROWS_PER_PURGE);
    } catch (error) {
      logger.warn('rows of finished artifact deletions could not be purged', { error: (error as Error).message });
    }
  }
}
