import type { SweepLease } from './sweeper.js';
import type { QueueLogger } from './telemetry.js';

export interface PeriodicTaskOptions {
  /** What the task does, as the log and the lease call it: `prune offloaded`. */
  readonly name: string;
  /** 0: only when it is asked to run, and at its start where `atStart` says so. */
  readonly intervalMs: number;
  readonly run: () => Promise<unknown>;
  readonly logger: Pick<QueueLogger, 'debug' | 'warn'>;
  /** Runs also when it is started; absent: the first run is one interval later. */
  readonly atStart?: boolean;
  /** How long after a run that failed it is tried again; absent: the interval. */
  readonly retryMs?: number;
  /** Where given, one process at a time runs the task; the others skip their turn. */
  readonly lease?: SweepLease;
}

/** Node takes a longer timer for one that is due at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Runs the same work every interval, never two runs at a time, without keeping the process alive. A failure is logged and the next
 * run does the same work; of failures in a row only the first is a warning. States: stopped, resting, running.
 */
export class PeriodicTask {
  private timer: NodeJS.Timeout | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isStarted = false;
  private running: Promise<void> | undefined;
  private isFailing = false;

  constructor(private readonly options: PeriodicTaskOptions) {}

  /** Starting twice is starting once. */
  start(): void {
    const { intervalMs, atStart } = this.options;
    if (this.isStarted) return;
    this.isStarted = true;
    if (intervalMs > 0) this.timer = setInterval(() => void this.run(), Math.min(intervalMs, LONGEST_TIMER_MS)).unref();
    if (atStart === true) void this.run();
  }

  /** Ends after the run in progress. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.isStarted = false;
    await this.running;
    clearTimeout(this.retry);
  }

  /** One run, or the one in progress. Never rejects. */
  run(): Promise<void> {
    this.running ??= this.runOnce().finally(() => (this.running = undefined));
    return this.running;
  }

  private async runOnce(): Promise<void> {
    const { name, run, lease, logger } = this.options;
    try {
      await (lease === undefined ? run() : lease.run(name, run));
      this.isFailing = false;
    } catch (error) {
      const fields = { task: name, error: error instanceof Error ? error.message : String(error) };
      if (this.isFailing) logger.debug('a periodic task failed again', fields);
      else logger.warn('a periodic task failed; its next run does the same work', fields);
      this.isFailing = true;
      this.tryAgain();
    }
  }

  private tryAgain(): void {
    const { retryMs } = this.options;
    if (retryMs === undefined || !this.isStarted) return;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => void this.run(), retryMs).unref();
  }
}
