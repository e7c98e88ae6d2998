import { RowNotBegunError } from './errors.js';

/** Runs one row's work. The promise settles when it has ended; it rejects only where the hint itself has failed. */
type RunRow = (payload: unknown) => Promise<void>;

export interface RowRunnerOptions {
  readonly run: RunRow;
  /** Rows that run at the same time. */
  readonly concurrency: number;
  /** Number of the newest hint that this process has made, for recognising copies of hints that were handled. */
  readonly newestSequence: () => number;
}

interface Row {
  payload: unknown;
  /** Newest hint of this process that existed when the last run began. */
  seenSequence: number;
  running: Promise<void> | undefined;
  waiting: Promise<void> | undefined;
}

/** Rows at rest that are remembered for recognising copies of handled hints. */
const REMEMBERED_ROWS = 10_000;

/**
 * Serialises one queue's handlers inside a process. A row is at rest, waiting for its turn, running, or running with one
 * run waiting: a hint that arrives while its row runs is followed by exactly one more run, so that the last event is never
 * lost and at most one run per key is active. Rows take turns in order of arrival, `concurrency` at a time.
 */
export class RowRunner {
  /** In order of last use: the rows that rested longest are forgotten first. */
  private readonly rows = new Map<string, Row>();
  private readonly turns: (() => void)[] = [];
  private idleListeners: (() => void)[] = [];
  private free: number;
  private pending = 0;
  private closing = false;

  constructor(private readonly options: RowRunnerOptions) {
    this.free = options.concurrency;
  }

  /** Runs the row, or once more if it runs already. Settles as the run that begins after this call does. */
  deliver(key: string, payload: unknown): Promise<void> {
    const row = this.rows.get(key) ?? { payload, seenSequence: -1, running: undefined, waiting: undefined };
    row.payload = payload;
    if (row.waiting !== undefined) return row.waiting;
    this.rows.set(key, row);
    this.pending += 1;
    row.waiting = this.runAfter(key, row, row.running);
    return row.waiting;
  }

  /** Whether a run began after this process made its hint number `sequence`. A forgotten row counts as no. */
  hasSeen(key: string, sequence: number): boolean {
    const row = this.rows.get(key);
    return row !== undefined && row.seenSequence >= sequence;
  }

  /** Settles as the run in progress does; at once where none is. */
  currentRun(key: string): Promise<void> {
    return this.rows.get(key)?.running ?? Promise.resolve();
  }

  /** Lets runs in progress end and begins no other: deliveries that wait, or come later, reject with RowNotBegunError. */
  close(): Promise<void> {
    this.closing = true;
    return this.whenIdle();
  }

  /** Settles when nothing runs or waits. */
  whenIdle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  private async runAfter(key: string, row: Row, previous: Promise<void> | undefined): Promise<void> {
    await previous?.catch(() => undefined);
    await this.takeTurn();
    if (this.closing) {
      row.waiting = undefined;
      this.endTurn();
      this.rest(key, row);
      throw new RowNotBegunError('the program is closing');
    }
    row.running = row.waiting;
    row.waiting = undefined;
    row.seenSequence = this.options.newestSequence();
    try {
      await this.options.run(row.payload);
    } finally {
      row.running = undefined;
      this.endTurn();
      this.rest(key, row);
    }
  }

  private async takeTurn(): Promise<void> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.turns.push(resolve));
  }

  private endTurn(): void {
    const next = this.turns.shift();
    if (next === undefined) this.free += 1;
    else next();
  }

  private rest(key: string, row: Row): void {
    this.pending -= 1;
    if (this.pending === 0) this.idleListeners.splice(0).forEach((listener) => listener());
    if (row.waiting !== undefined) return;
    this.rows.delete(key);
    this.rows.set(key, row);
    if (this.rows.size <= REMEMBERED_ROWS) return;
    for (const [oldestKey, oldest] of this.rows) {
      if (oldest.running === undefined && oldest.waiting === undefined) this.rows.delete(oldestKey);
      return;
    }
  }
}
