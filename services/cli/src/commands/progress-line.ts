/**
 * Says what is being waited for, once it has taken a second: on a terminal in one line that is drawn anew, elsewhere line by
 * line. What is quick is not mentioned.
 */
export class Progress {
  private timer: NodeJS.Timeout | undefined;
  private what = '';
  private shown = false;
  private startedAtMs = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(what: string): void {
    this.what = what;
    this.startedAtMs = performance.now();
    this.timer ??= setInterval(() => this.draw(), 1000);
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.shown && this.stream.isTTY) this.stream.write('\r\u001b[K');
  }

  private draw(): void {
    const seconds = Math.round((performance.now() - this.startedAtMs) / 1000);
    this.shown = true;
    if (this.stream.isTTY) this.stream.write(`\r\u001b[K${this.what} … ${seconds} s`);
    else this.stream.write(`${this.what} … ${seconds} s\n`);
  }
}
