import type { LogLine, LogOptions } from '#libs/runtimes';
import type { Clock } from '#libs/workflow-spec';

/** Lines kept of one task; the oldest go first. */
const MAX_LINES = 2_000;
const MAX_LINE_LENGTH = 16_384;

/** The log of one task, in memory: tasks say little, and what is to outlive this process is saved as an artifact. */
export class TaskLog {
  private readonly lines: LogLine[] = [];
  private isClosed = false;
  private wake: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  write(text: string): void {
    for (const line of text.replace(/\n$/, '').split('\n'))
      this.lines.push({ container: 'main', atMs: this.clock.nowMs(), text: line.slice(0, MAX_LINE_LENGTH) });
    if (this.lines.length > MAX_LINES) this.lines.splice(0, this.lines.length - MAX_LINES);
    this.tell();
  }

  /** Nothing more will be written; those who follow come to their end. */
  close(): void {
    this.isClosed = true;
    this.tell();
  }

  text(): string {
    return this.lines.map(({ text }) => `${text}\n`).join('');
  }

  async *read({ follow = false, tailLines, sinceMs, signal }: LogOptions): AsyncGenerator<LogLine> {
    let next = tailLines === undefined ? 0 : Math.max(0, this.lines.length - tailLines);
    for (;;) {
      for (; next < this.lines.length; next += 1) {
        const line = this.lines[next];
        if (line !== undefined && line.atMs >= (sinceMs ?? 0)) yield line;
      }
      if (!follow || this.isClosed || signal?.aborted === true) return;
      await this.change(signal);
    }
  }

  private tell(): void {
    for (const wake of this.wake.splice(0)) wake();
  }

  private change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.wake.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
