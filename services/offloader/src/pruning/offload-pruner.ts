import type { Logger } from '#libs/observability';
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
export class OffloadPruner {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: OffloadPrunerOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.run(), this.options.intervalMs);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** One pass; joins the one in progress. A failure is logged: the next pass does the same work. */
  run(): Promise<void> {
    this.running ??= this.options.lease
      .run('prune offloaded', () => this.prune())
      .catch((error: unknown) => this.options.logger.warn('offloaded versions could not be pruned', { error: String(error) }))
      .then(() => {
        this.running = undefined;
      });
    return this.running;
  }

  private async prune(): Promise<void> {
    const { records, clock, ttlMs } = this.options;
    while ((await records.pruneOffloaded(clock.nowMs() - ttlMs, BATCH)) === BATCH);
  }
}
