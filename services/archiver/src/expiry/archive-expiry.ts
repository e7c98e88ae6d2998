import type { Logger } from '#libs/observability';
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

/** At the start and every interval, in one process at a time: deletes what is older than the archive's TTL. Deleting twice is harmless. */
export class ArchiveExpiry {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: ArchiveExpiryOptions) {}

  start(): void {
    if (this.options.ttlMs === undefined) return;
    this.timer = setInterval(() => void this.run(), this.options.intervalMs);
    this.timer.unref();
    void this.run();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** One pass; joins the one in progress. A failure is logged: the next pass does the same work. */
  run(): Promise<void> {
    this.running ??= this.options.lease
      .run('archive expiry', () => this.deleteExpired())
      .catch((error: unknown) =>
        this.options.logger.warn('old archived workflows could not be deleted', { error: String(error) }),
      )
      .then(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async deleteExpired(): Promise<void> {
    const { archive, clock, ttlMs } = this.options;
    if (ttlMs === undefined) return;
    while ((await archive.deleteFinishedBefore(clock.nowMs() - ttlMs, BATCH)) === BATCH);
  }
}
