import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { TransientError } from '#libs/workflow-spec';

import { logMarks, type LogObjects, type LogPlace } from './log-objects.js';
import { listSegments, segmentBookmark, segmentLocation, storeOf } from './log-segments.js';
import { LogTimes } from './log-times.js';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** Bytes as a container printed them, and when they were seen. */
export interface LogChunk {
  bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Where the source goes on behind these bytes, in its own words (ASCII, short); absent where their count says it. */
  bookmark?: string;
}

/** Behind which byte of a log a source goes on, and what it said of that place. */
export interface LogReadingPlace {
  byte: number;
  bookmark: string | undefined;
}

/** What a container prints, from any place on. Read twice it says the same; it ends when the container has ended. */
export interface LogByteSource {
  read(from: LogReadingPlace, signal: AbortSignal): AsyncIterable<LogChunk>;
}

export interface SegmentWriterOptions {
  place: LogPlace;
  objects: LogObjects;
  /** A segment is written when it has this many bytes: memory holds one of them. Asked anew for each. */
  segmentBytes: () => number;
  /** And when its first byte is this old. */
  segmentMs: number;
  /** Told of each time that the store is away. */
  waiting?: (error: Error, pauseMs: number) => void;
}

/**
 * Ships the log of one container while it runs, so that what was printed is there whatever dies. States: resuming (asks the store what
 * is there) → reading ⇄ writing → done, when the source ends or the signal is given.
 *
 * One segment is written at a time, and nothing is read meanwhile: a slow store costs one segment of memory and never holds up the
 * container, whose output goes to a file. Crash points: before a segment is there, the next writer reads the same bytes again; after
 * it, the next writer begins behind it. Throws what the store throws, except TransientError, which it sits out.
 */
export class SegmentWriter {
  private position = 0;
  private held: Uint8Array[] = [];
  private heldBytes = 0;
  private times = new LogTimes();
  private bookmark: string | undefined;

  constructor(private readonly options: SegmentWriterOptions) {}

  /** Bytes that are safe in the store. */
  get shippedBytes(): number {
    return this.position;
  }

  /**
   * Resolves when all that the source gave is in the store. After an abort what was read is not waited for. Of a pod that was made just now
   * (`isFirst`) nothing can be there, so the store is not asked.
   */
  async ship(source: LogByteSource, signal: AbortSignal, isFirst = false): Promise<void> {
    this.drop();
    if (!isFirst) await this.patiently(() => this.resume(), signal);
    const iterator = source.read({ byte: this.position, bookmark: this.bookmark }, signal)[Symbol.asyncIterator]();
    try {
      await this.shipAll(iterator, signal);
    } finally {
      await iterator.return?.();
    }
  }

  /** What was read and not written before a source broke off is read again. */
  private drop(): void {
    this.held = [];
    this.heldBytes = 0;
    this.times = new LogTimes();
  }

  private async resume(): Promise<void> {
    const { place, objects } = this.options;
    const last = (await listSegments(objects, place)).at(-1);
    this.bookmark = last === undefined ? undefined : await segmentBookmark(objects, place, last);
    this.position = last?.endByte ?? 0;
  }

  private async shipAll(iterator: AsyncIterator<LogChunk>, signal: AbortSignal): Promise<void> {
    let next = iterator.next();
    let timer: AbortController | undefined;
    let due: Promise<'due'> | undefined;
    const write = async (): Promise<void> => {
      timer?.abort();
      due = undefined;
      await this.write(signal);
    };
    try {
      while (!signal.aborted) {
        const winner = await (due === undefined ? next : Promise.race([next, due]));
        if (winner === 'due') await write();
        else if (winner.done === true) return await write();
        else {
          next = iterator.next();
          this.hold(winner.value);
          if (this.heldBytes >= this.options.segmentBytes()) await write();
          else if (due === undefined) {
            timer = new AbortController();
            due = expiry(this.options.segmentMs, timer.signal);
          }
        }
      }
    } finally {
      timer?.abort();
      next.catch(() => undefined);
    }
  }

  private hold({ bytes, atMs, bookmark }: LogChunk): void {
    this.bookmark = bookmark;
    this.held.push(bytes);
    this.heldBytes += bytes.length;
    this.times.note({ endByte: this.position + this.heldBytes, atMs });
  }

  private async write(signal: AbortSignal): Promise<void> {
    if (this.heldBytes === 0) return;
    const { place, objects } = this.options;
    const body = Buffer.concat(this.held, this.heldBytes);
    this.held = [];
    const metadata = logMarks(place, this.times.text(), this.bookmark);
    const location = segmentLocation(place, this.position, this.position + body.length);
    await this.patiently(
      () => storeOf(objects, place).save(location, Readable.from([body]), { metadata, sizeBytes: body.length, signal }),
      signal,
    );
    if (signal.aborted) return;
    this.position += body.length;
    this.heldBytes = 0;
    this.times = new LogTimes();
  }

  private async patiently<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!(error instanceof TransientError)) throw error;
        this.options.waiting?.(error, pauseMs);
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
    return undefined;
  }
}

const expiry = (delayMs: number, signal: AbortSignal): Promise<'due'> =>
  sleep(delayMs, 'due' as const, { signal, ref: false }).catch(() => 'due' as const);
