/** Bounds of the window of requests in flight. */
export interface PaceOptions {
  /** How many at the beginning; default 8. */
  initial?: number;
  /** Default 64. */
  max?: number;
  /** Monotonic milliseconds. */
  nowMs?: () => number;
}

const INITIAL = 8;
const MAX = 64;
const MIN = 1;
/** Between two reductions, so that the answers of one burst count once. */
const CALM_MS = 1_000;
/** An answer is slow that takes longer than this and than SLOW_FACTOR times the quickest of late. */
const SLOW_MS = 500;
const SLOW_FACTOR = 5;
/**
 * In what time the quickest answer counts as twice as slow: with one request at a time none of ours wait for each other, and a server that is still as
 * slow then is not slow because of them (from 5 ms to 1 s in half a minute).
 */
const FORGOTTEN_BY_HALF_MS = 5_000;

/** What came of a request, for the window. */
export type PaceOutcome = { kind: 'answered'; latencyMs: number } | { kind: 'busy'; retryAfterMs?: number } | { kind: 'failed' };

/**
 * How many requests may be in flight: a window that grows by one for each full window of quick answers and is halved when the server
 * says that it is busy (429) or becomes slow. After `Retry-After` nothing is sent for so long. States: open, full (callers wait
 * in order, patient ones behind the others), pausing.
 */
export class Pace {
  private window: number;
  private inFlight = 0;
  private pausedUntilMs = 0;
  private reducedAtMs = -Infinity;
  private quickestMs = Infinity;
  private answeredAtMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting: (() => void)[] = [];
  /** Of requests that come after all others. */
  private readonly patient: (() => void)[] = [];
  private readonly nowMs: () => number;

  constructor(private readonly options: PaceOptions = {}) {
    this.window = options.initial ?? INITIAL;
    this.nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Requests that may be in flight now; a fraction is on its way to the next whole one. */
  get size(): number {
    return this.window;
  }

  /** Waits for a place, as a patient one behind all who are not; gives how to give it back. Rejects where the signal aborts first. */
  async enter(signal?: AbortSignal, isPatient = false): Promise<(outcome: PaceOutcome) => void> {
    signal?.throwIfAborted();
    const queue = isPatient ? this.patient : this.waiting;
    const isBehind = this.waiting.length > 0 || queue.length > 0;
    if (isBehind || !this.hasRoom()) await this.place(queue, signal);
    else this.inFlight += 1;
    let isOut = false;
    return (outcome) => {
      if (isOut) return;
      isOut = true;
      this.inFlight -= 1;
      this.learn(outcome);
      this.admit();
    };
  }

  private hasRoom(): boolean {
    return this.inFlight < Math.floor(this.window) && this.nowMs() >= this.pausedUntilMs;
  }

  private place(queue: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        queue.splice(queue.indexOf(enter), 1);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      signal?.addEventListener('abort', leave, { once: true });
      queue.push(enter);
      this.wakeAfterPause();
    });
  }

  private admit(): void {
    while (this.waiting.length + this.patient.length > 0 && this.hasRoom()) {
      this.inFlight += 1;
      (this.waiting.shift() ?? this.patient.shift())?.();
    }
    this.wakeAfterPause();
  }

  /** Where the window is full, whoever leaves admits the next. A pause that has ended just now is one still: nobody else would look again. */
  private wakeAfterPause(): void {
    const isNobodys = this.waiting.length + this.patient.length === 0 || this.inFlight >= Math.floor(this.window);
    if (isNobodys || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.admit();
      },
      Math.max(0, this.pausedUntilMs - this.nowMs()),
    );
  }

  private learn(outcome: PaceOutcome): void {
    if (outcome.kind === 'failed') return;
    if (outcome.kind === 'busy') {
      this.pausedUntilMs = Math.max(this.pausedUntilMs, this.nowMs() + (outcome.retryAfterMs ?? 0));
      this.reduce();
      return;
    }
    const { latencyMs } = outcome;
    const nowMs = this.nowMs();
    this.quickestMs = Math.min(latencyMs, this.quickestMs * 2 ** ((nowMs - this.answeredAtMs) / FORGOTTEN_BY_HALF_MS));
    this.answeredAtMs = nowMs;
    if (latencyMs > Math.max(SLOW_MS, SLOW_FACTOR * this.quickestMs)) this.reduce();
    else if (this.inFlight + 1 >= Math.floor(this.window))
      this.window = Math.min(this.options.max ?? MAX, this.window + 1 / this.window);
  }

  private reduce(): void {
    if (this.nowMs() - this.reducedAtMs < CALM_MS) return;
    this.reducedAtMs = this.nowMs();
    this.window = Math.max(MIN, this.window / 2);
  }
}
