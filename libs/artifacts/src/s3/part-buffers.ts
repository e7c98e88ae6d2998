import type { Readable } from 'node:stream';

/** One part of a body, in memory that is lent: `release` gives it back for a later part. */
export interface LentPart {
  number: number;
  bytes: Buffer;
  isLast: boolean;
  release(): void;
}

/**
 * Cuts a body into parts of exactly `partBytes`, the last one smaller; an empty body is one empty part. All parts share `count` pieces of
 * memory, made when they are first needed: a new part waits until one is free. So a body of any size leaves no garbage but the
 * chunks that it is read in.
 */
export class PartBuffers {
  private readonly free: Buffer[] = [];
  private made = 0;
  private waiting: ((buffer: Buffer) => void) | undefined;

  constructor(
    private readonly partBytes: number,
    private readonly count: number,
  ) {}

  async *partsOf(body: Readable): AsyncGenerator<LentPart> {
    let number = 1;
    let buffer: Buffer | undefined;
    let filled = 0;
    for await (const given of body as AsyncIterable<Buffer | string>) {
      let chunk = typeof given === 'string' ? Buffer.from(given) : given;
      while (chunk.length > 0) {
        // A full part is given away when more comes, so that the last is known as the last.
        if (buffer !== undefined && filled === buffer.length) {
          yield this.lent(buffer, { number, length: filled, isLast: false });
          number += 1;
          buffer = undefined;
        }
        if (buffer === undefined) {
          buffer = await this.borrow();
          filled = 0;
        }
        const taken = chunk.copy(buffer, filled);
        filled += taken;
        chunk = chunk.subarray(taken);
      }
    }
    yield this.lent(buffer ?? Buffer.alloc(0), { number, length: filled, isLast: true });
  }

  private lent(buffer: Buffer, part: { number: number; length: number; isLast: boolean }): LentPart {
    const { number, length, isLast } = part;
    return { number, bytes: buffer.subarray(0, length), isLast, release: () => this.giveBack(buffer) };
  }

  private async borrow(): Promise<Buffer> {
    const free = this.free.pop();
    if (free !== undefined) return free;
    if (this.made < this.count) {
      this.made += 1;
      return Buffer.allocUnsafeSlow(this.partBytes);
    }
    return new Promise((settle) => {
      this.waiting = settle;
    });
  }

  private giveBack(buffer: Buffer): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting === undefined) this.free.push(buffer);
    else waiting(buffer);
  }
}
