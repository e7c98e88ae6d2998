import { type HintWorker, type QueueBackend, type TakenHint } from './backend.js';
import { type QueueLogger, type QueueTelemetry } from './telemetry.js';

export interface WorkerSupervisorOptions {
  readonly backend: QueueBackend;
  readonly queueName: string;
  readonly concurrency: number;
  readonly handle: (hint: TakenHint) => Promise<void>;
  /** Hints that wait in the queue: a worker is silent only where there is something to take. */
  readonly waitingCount: () => Promise<number>;
  readonly logger: QueueLogger;
  readonly telemetry: QueueTelemetry;
  /** Time between two looks at the worker; 5 s unless a test says otherwise. */
  readonly checkIntervalMs?: number;
}

const CHECK_INTERVAL_MS = 5_000;
/** Looks in a row that must find waiting hints, nothing in progress and no sign of life. */
const SILENT_CHECKS = 3;
/** A worker whose connection is beyond repair fails in a tight loop; after so many errors without a sign of life, while the database answers, it is replaced. */
const ERRORS_IN_A_ROW = 10;
const FIRST_RESTART_DELAY_MS = 500;
const RESTART_DELAY_LIMIT_MS = 5_000;

/**
 * Keeps one BullMQ worker alive. States: starting (waiting for the database), running, replaced. A worker is replaced when
 * its loop ends or rejects by itself, and, while the database answers, when it does nothing but fail and when hints wait for several checks while it takes none.
 * In an outage it is left alone: it connects again by itself. Starting never fails: it waits.
 */
export class WorkerSupervisor {
  private worker: HintWorker | undefined;
  private readonly inProgress = new Set<Promise<void>>();
  private lastSignAt = performance.now();
  private silentChecks = 0;
  private errorsInARow = 0;
  private restartDelayMs = FIRST_RESTART_DELAY_MS;
  private closing = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: WorkerSupervisorOptions) {}

  start(): void {
    this.options.backend.onBack(() => (this.errorsInARow = 0));
    void this.options.backend.whenReady().then(() => this.launch());
    this.timer = setInterval(() => void this.check(), this.options.checkIntervalMs ?? CHECK_INTERVAL_MS);
    this.timer.unref();
  }

  /**
   * Waits for handlers in progress unless `force`. While the database is away their hints stay with it, and nothing else is waited for: a worker that was made
   * meanwhile ends by itself only when its first connection is there.
   */
  async close(force = false): Promise<void> {
    this.closing = true;
    clearInterval(this.timer);
    const isAway = !force && !(await this.options.backend.isReady());
    if (isAway) await Promise.allSettled(this.inProgress);
    await this.worker?.close(force || isAway);
  }

  private launch(): void {
    if (this.closing) return;
    const worker = this.options.backend.createWorker(this.options.queueName, {
      concurrency: this.options.concurrency,
      handle: (hint) => this.handle(hint),
      onError: (error) => {
        if (this.worker === worker) void this.fail(worker, error);
      },
      onSign: () => this.sign(),
    });
    this.worker = worker;
    this.lastSignAt = performance.now();
    const ended = (reason: string): void => {
      if (this.worker === worker && !this.closing) this.replace(reason);
    };
    worker.run().then(
      () => ended('ended'),
      (error: unknown) => ended(`failed: ${String(error)}`),
    );
  }

  private async handle(hint: TakenHint): Promise<void> {
    const run = this.options.handle(hint);
    this.inProgress.add(run);
    this.sign();
    try {
      await run;
    } finally {
      this.inProgress.delete(run);
      this.sign();
    }
  }

  private sign(): void {
    this.lastSignAt = performance.now();
    this.silentChecks = 0;
    this.errorsInARow = 0;
    this.restartDelayMs = FIRST_RESTART_DELAY_MS;
  }

  private async fail(worker: HintWorker, error: Error): Promise<void> {
    this.errorsInARow += 1;
    this.options.logger.debug('worker error', { queue: this.options.queueName, error: error.message });
    if (this.errorsInARow < ERRORS_IN_A_ROW) return;
    this.errorsInARow = 0;
    const isAway = !(await this.options.backend.isReady());
    if (!isAway && this.worker === worker && !this.closing) this.replace(`failing: ${error.message}`);
  }

  private async check(): Promise<void> {
    if (this.closing || this.worker === undefined || this.inProgress.size > 0) return;
    const interval = this.options.checkIntervalMs ?? CHECK_INTERVAL_MS;
    if (performance.now() - this.lastSignAt < interval) return;
    const waiting = await this.options.waitingCount().catch(() => 0);
    this.silentChecks = waiting > 0 ? this.silentChecks + 1 : 0;
    if (this.silentChecks >= SILENT_CHECKS) this.replace('silent');
  }

  private replace(reason: string): void {
    const { queueName, logger, telemetry } = this.options;
    logger.error('queue worker replaced', { queue: queueName, reason });
    telemetry.workerReplaced(queueName, reason.split(':')[0] ?? reason);
    const old = this.worker;
    this.worker = undefined;
    this.silentChecks = 0;
    this.errorsInARow = 0;
    void old?.close(true).catch(() => undefined);
    setTimeout(() => this.launch(), this.restartDelayMs).unref();
    this.restartDelayMs = Math.min(this.restartDelayMs * 2, RESTART_DELAY_LIMIT_MS);
  }
}
