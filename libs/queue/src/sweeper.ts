import { type JobDefinition, type JobQueue } from '#libs/jobs';
import { type Clock } from '#libs/workflow-spec';

import { type QueueLogger, type QueueTelemetry, silentTelemetry } from './telemetry.js';

/** Port: a named lease that at most one process holds at a time (an advisory lock of the database). */
export interface SweepLease {
  /** Runs `work` under the lease and answers its result; undefined at once where another process holds it. */
  run<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined>;
}

/** A row that is due and overdue. */
export interface DueRow<Payload> {
  /** Position in the paging order; the next page begins after the last one's. */
  readonly key: string;
  readonly payload: Payload;
  /** Changes whenever somebody works on the row (its version, say): how a stuck row is told from a busy one. */
  readonly progress: string;
}

export interface SweeperOptions<Payload> {
  readonly job: JobDefinition<Payload>;
  readonly queue: JobQueue;
  readonly lease: SweepLease;
  /**
   * The next rows in key order after `afterKey` that were due at `dueBeforeMs` (milliseconds since 1970) or earlier; an
   * empty page ends the sweep. Rows that wait for somebody else (admission, a lock, a resume) are not due.
   */
  readonly page: (afterKey: string | undefined, dueBeforeMs: number) => Promise<readonly DueRow<Payload>[]>;
  readonly clock: Clock;
  readonly logger: QueueLogger;
  readonly telemetry?: QueueTelemetry;
  /** Time between sweeps; 5 s where absent. */
  readonly intervalMs?: number;
  /** How long a row must be overdue; 5 s where absent. */
  readonly overdueMs?: number;
  /** Name of the lease; the queue's where absent. */
  readonly name?: string;
}

const DEFAULT_INTERVAL_MS = 5_000;
const DEFAULT_OVERDUE_MS = 5_000;
const FRUITLESS_SWEEPS = 2;

interface Seen {
  readonly progress: string;
  readonly fruitless: number;
}

/**
 * Makes lost hints again from the table that holds the truth. A process timer, so that no loss of the queue stops it: every
 * interval, whoever gets the lease pages over overdue rows and wakes them. A row that two sweeps found unchanged is woken
 * under a fresh id, beside whatever hint of it may be stuck. States: stopped, resting, sweeping (never two at a time).
 */
export class Sweeper<Payload> {
  private seen = new Map<string, Seen>();
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<number> | undefined;

  constructor(private readonly options: SweeperOptions<Payload>) {}

  /** Sweeps at once and then every interval. */
  start(): void {
    if (this.timer !== undefined) return;
    this.timer = setInterval(() => void this.sweep(), this.options.intervalMs ?? DEFAULT_INTERVAL_MS);
    this.timer.unref();
    void this.sweep();
  }

  /** Ends after the sweep in progress. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.sweeping;
  }

  /** One sweep; answers the rows that it woke, 0 where another process holds the lease or the database is away. */
  sweep(): Promise<number> {
    this.sweeping ??= this.sweepUnderLease().finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  private async sweepUnderLease(): Promise<number> {
    const name = this.options.name ?? this.options.job.queue;
    try {
      const rows = await this.options.lease.run(`sweep ${name}`, () => this.wakeOverdue());
      if (rows === undefined) this.seen.clear();
      else if (rows > 0) this.options.logger.info('swept overdue rows', { queue: name, rows });
      (this.options.telemetry ?? silentTelemetry).swept(name, rows ?? 0);
      return rows ?? 0;
    } catch (error) {
      this.options.logger.warn('sweep ended early', { queue: name, error: (error as Error).message });
      return 0;
    }
  }

  private async wakeOverdue(): Promise<number> {
    const { job, queue, clock } = this.options;
    const dueBeforeMs = clock.nowMs() - (this.options.overdueMs ?? DEFAULT_OVERDUE_MS);
    const found = new Map<string, Seen>();
    for (let afterKey: string | undefined; ;) {
      const rows = await this.options.page(afterKey, dueBeforeMs);
      const last = rows.at(-1);
      if (last === undefined) break;
      afterKey = last.key;
      const stuck = rows.filter((row) => this.judge(row, found));
      const others = rows.filter((row) => !stuck.includes(row));
      if (others.length > 0) await queue.wakeMany(job, payloadsOf(others));
      if (stuck.length > 0) await queue.wakeAfresh(job, payloadsOf(stuck));
    }
    this.seen = found;
    return found.size;
  }

  /** Remembers the row and says whether earlier sweeps woke it in vain. */
  private judge(row: DueRow<Payload>, found: Map<string, Seen>): boolean {
    const before = this.seen.get(row.key);
    const fruitless = before?.progress === row.progress ? before.fruitless + 1 : 0;
    found.set(row.key, { progress: row.progress, fruitless });
    return fruitless >= FRUITLESS_SWEEPS;
  }
}

function payloadsOf<Payload>(rows: readonly DueRow<Payload>[]): Payload[] {
  return rows.map((row) => row.payload);
}
