/** A line with the time at which it was printed; a line without one has the time of the line before it. */
export interface TimedLine {
  atMs: number;
  text: string;
}

/** A line and who printed it. */
export interface MergedLine<Label> extends TimedLine {
  label: Label;
}

/** Lines of one container in the order of their times; batches as they come. */
export interface LineSource<Label> {
  label: Label;
  /** No line is older: the source is not opened before its time has come, so few are open at once. */
  notBeforeMs: number;
  open: () => AsyncIterable<TimedLine[]>;
}

interface Lane<Label> {
  source: LineSource<Label>;
  iterator: AsyncIterator<TimedLine[]>;
  batch: TimedLine[];
  next: number;
  /** Since when there is nothing to take; for sources that say nothing for a while. */
  emptySinceMs: number;
  state: 'pulling' | 'filled' | 'ended';
}

export interface MergeOptions {
  /** A source that says nothing for this long is not waited for; infinite where all sources end by themselves. */
  idleMs: number;
  /** Most sources that are open at once; beyond it they are taken one after the other. */
  maxOpen: number;
  signal: AbortSignal;
}

/**
 * Lines of many sources in the order of their times, holding one batch of each source that is open. A line that comes late (its source was
 * idle) is given at once. Sources may be added while it runs; it ends when `seal` was called and all have ended. The first error of a source
 * is thrown when the other sources have been read to their ends.
 */
export class TimeMerge<Label> {
  private waiting: LineSource<Label>[] = [];
  private readonly lanes = new Set<Lane<Label>>();
  private isSealed = false;
  private wake: () => void = () => undefined;
  private failure: { error: unknown } | undefined;

  constructor(private readonly options: MergeOptions) {}

  add(source: LineSource<Label>): void {
    const at = this.waiting.findIndex(({ notBeforeMs }) => notBeforeMs > source.notBeforeMs);
    this.waiting.splice(at < 0 ? this.waiting.length : at, 0, source);
    this.wake();
  }

  /** Nothing more is added. */
  seal(): void {
    this.isSealed = true;
    this.wake();
  }

  async *batches(): AsyncGenerator<MergedLine<Label>[]> {
    const { signal } = this.options;
    const onAbort = (): void => this.wake();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        const moved = new Promise<void>((resolve) => (this.wake = resolve));
        const found = this.take();
        if (found !== undefined) yield found;
        else if (this.isSealed && this.lanes.size === 0 && this.waiting.length === 0) break;
        else await this.rest(moved);
      }
      if (this.failure !== undefined && !signal.aborted) throw this.failure.error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await Promise.allSettled([...this.lanes].map(async ({ iterator }) => iterator.return?.()));
    }
  }

  /** The oldest lines that can be given now: as many of one source as are older than all of the others. */
  private take(): MergedLine<Label>[] | undefined {
    this.openDue();
    if (this.isHeldUp()) return undefined;
    let first: Lane<Label> | undefined;
    let boundMs = this.lanes.size < this.options.maxOpen ? (this.waiting[0]?.notBeforeMs ?? Infinity) : Infinity;
    for (const lane of this.lanes) {
      if (lane.state !== 'filled') continue;
      if (first === undefined || headMs(lane) < headMs(first)) {
        if (first !== undefined) boundMs = Math.min(boundMs, headMs(first));
        first = lane;
      } else boundMs = Math.min(boundMs, headMs(lane));
    }
    if (first === undefined) return undefined;
    const { label } = first.source;
    const taken: MergedLine<Label>[] = [];
    for (let line = first.batch[first.next]; line !== undefined; line = first.batch[first.next]) {
      if (taken.length > 0 && line.atMs > boundMs) return taken;
      taken.push({ ...line, label });
      first.next += 1;
    }
    this.pull(first);
    return taken;
  }

  /** Opens what may have lines older than the oldest that is there; at least one. */
  private openDue(): void {
    for (;;) {
      const next = this.waiting[0];
      if (next === undefined || this.lanes.size >= this.options.maxOpen) return;
      const heads = [...this.lanes].filter(({ state }) => state === 'filled').map(headMs);
      const isDue = this.lanes.size === 0 || (heads.length > 0 && Math.min(...heads) >= next.notBeforeMs);
      if (!isDue && this.options.idleMs === Infinity) return;
      this.waiting.shift();
      const iterator = next.open()[Symbol.asyncIterator]();
      const lane: Lane<Label> = { source: next, iterator, batch: [], next: 0, emptySinceMs: 0, state: 'pulling' };
      this.lanes.add(lane);
      this.pull(lane);
    }
  }

  private pull(lane: Lane<Label>): void {
    lane.state = 'pulling';
    lane.emptySinceMs = performance.now();
    lane.iterator.next().then(
      ({ done, value }) => {
        if (done === true) this.close(lane);
        else if (value.length === 0) this.pull(lane);
        else {
          [lane.batch, lane.next, lane.state] = [value, 0, 'filled'];
          this.wake();
        }
      },
      (error: unknown) => {
        this.failure ??= { error };
        this.close(lane);
      },
    );
  }

  private close(lane: Lane<Label>): void {
    lane.state = 'ended';
    this.lanes.delete(lane);
    this.wake();
  }

  /** Whether a source that is being read may still have the oldest line. */
  private isHeldUp(): boolean {
    const nowMs = performance.now();
    return [...this.lanes].some(({ state, emptySinceMs }) => state === 'pulling' && nowMs - emptySinceMs < this.options.idleMs);
  }

  /** Until something comes, or nobody needs to be waited for any more. */
  private async rest(moved: Promise<void>): Promise<void> {
    const { idleMs } = this.options;
    const hasLines = [...this.lanes].some(({ state }) => state === 'filled');
    if (!hasLines || idleMs === Infinity) return moved;
    let timer: NodeJS.Timeout | undefined;
    const idle = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(idleMs, 50))));
    await Promise.race([moved, idle]);
    clearTimeout(timer);
  }
}

const headMs = <Label>({ batch, next }: Lane<Label>): number => batch[next]?.atMs ?? Infinity;
