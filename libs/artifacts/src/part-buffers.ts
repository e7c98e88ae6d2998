import type { Readable } from 'node:stream';

/** How large part `number` is, from 1; only the last part is smaller. */
export type PartSizes = (number: number) => number;

/** One part of a body, in memory that is lent: `release` gives it back for a later part. */
export interface LentPart {
  number: number;
  bytes: Buffer;
  isLast: boolean;
  release: () => void;
}

/** What the pieces may hold together, as long as one of them is not larger by itself. */
const MOST_BYTES = 96 * 1024 ** 2;

/**
 * Cuts a body into parts of exactly these sizes, the last one smaller; an empty body is one empty part. All parts share `count` pieces of
 * memory (fewer where parts are large), made when they are first needed: a new part waits until one is free. So a body of any size
 * leaves no garbage but the chunks that it is read in.
 */
export class PartBuffers {
  private free: Buffer[] = [];
  private lentPieces = 0;
  private waiting: (() => void) | undefined;

  constructor(
    private readonly sizeOf: PartSizes,
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
          buffer = await this.borrow(this.sizeOf(number));
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

  private async borrow(bytes: number): Promise<Buffer> {
    const most = Math.max(1, Math.min(this.count, Math.floor(MOST_BYTES / bytes)));
    while (this.lentPieces >= most)
      await new Promise<void>((settle) => {
        this.waiting = settle;
      });
    this.lentPieces += 1;
    // Pieces of parts before them, which were smaller, are of no use any more.
    this.free = this.free.filter((piece) => piece.length === bytes);
    return this.free.pop() ?? Buffer.allocUnsafeSlow(bytes);
  }

  private giveBack(buffer: Buffer): void {
    this.lentPieces -= 1;
    this.free.push(buffer);
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }
}
