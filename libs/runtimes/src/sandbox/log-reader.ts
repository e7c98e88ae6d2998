import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LogChunk, LogLine, LogOptions } from '../contract.js';
import type { SandboxLogTimes } from './log-times.js';
import { isCode } from './system-error.js';

const FOLLOW_POLL_MS = 100;
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;
/** A longer line is given in pieces, so that output without line breaks costs no memory. */
const MAX_LINE_BYTES = 256 * 1024;

/** A part of the file. */
interface LogFileChunk extends LogChunk {
  bytes: Buffer;
}

/** The file of a container's output. */
export interface LogFileSource {
  file: string;
  container: string;
  times: SandboxLogTimes;
  hasEnded: () => boolean;
}

/**
 * The lines of a pod's log. `tailLines` and `sinceMs` select among what is there when it begins; with `follow` it goes on until
 * the pod has ended or the signal is given. A last line without line break is given at the end. Memory holds one chunk of the file,
 * and nothing is read that the caller has not asked for.
 */
export async function* readLines(source: LogFileSource, options: LogOptions): AsyncGenerator<LogLine> {
  const { times, container } = source;
  const { sinceMs = Number.NEGATIVE_INFINITY } = options;
  let lineStart = await startOf(source, options);
  let held: Buffer[] = [];
  let heldBytes = 0;
  const line = (last: Buffer, endByte: number): LogLine => {
    const whole = held.length === 0 ? last : Buffer.concat([...held, last]);
    [held, heldBytes, lineStart] = [[], 0, endByte];
    return { container, atMs: times.at(endByte), text: whole.toString('utf8'), endByte };
  };
  for await (const { bytes } of readBytes(source, { ...options, fromByte: lineStart })) {
    let start = 0;
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, start)) {
      const found = line(bytes.subarray(start, newline), lineStart + heldBytes + (newline - start) + 1);
      start = newline + 1;
      if (found.atMs >= sinceMs) yield found;
    }
    if (start < bytes.length) {
      held.push(bytes.subarray(start));
      heldBytes += bytes.length - start;
    }
    if (heldBytes >= MAX_LINE_BYTES) yield line(Buffer.alloc(0), lineStart + heldBytes);
  }
  if (heldBytes === 0 || options.signal?.aborted === true) return;
  const last = line(Buffer.alloc(0), lineStart + heldBytes);
  if (last.atMs >= sinceMs) yield last;
}

/** The bytes of a pod's log from `fromByte` on; with `follow` until the pod has ended or the signal is given. */
export async function* readBytes(
  { file, times, hasEnded }: LogFileSource,
  { fromByte = 0, follow, signal }: { fromByte?: number; follow?: boolean; signal?: AbortSignal },
): AsyncGenerator<LogFileChunk> {
  let position = fromByte;
  for (;;) {
    // Asked first: what a container wrote before its end is there when it has ended.
    const isLast = follow !== true || hasEnded();
    if (sizeOf(file) > position) times.refresh();
    for await (const bytes of chunksOf(file, position, signal)) {
      position += bytes.length;
      yield { bytes, atMs: times.at(position) };
    }
    if (isLast || signal?.aborted === true) return;
    await sleep(FOLLOW_POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/** What is in the file behind a byte, now. The file is open only while it is read. */
async function* chunksOf(file: string, fromByte: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  if (sizeOf(file) <= fromByte) return;
  const handle = await openOrNothing(file);
  if (handle === null) return;
  try {
    for (let position = fromByte; signal?.aborted !== true;) {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Where the first line begins that is asked for. */
async function startOf({ file, times }: LogFileSource, { tailLines, sinceMs }: LogOptions): Promise<number> {
  const handle = await openOrNothing(file);
  if (handle === null) return 0;
  try {
    const { size } = await handle.stat();
    const earliest = sinceMs === undefined ? 0 : times.bytesBefore(sinceMs);
    const sinceStart = earliest === 0 ? 0 : await lineBegin(handle, Math.min(earliest, size), 1, true);
    if (tailLines === undefined) return sinceStart;
    return Math.max(sinceStart, tailLines <= 0 ? size : await lineBegin(handle, size, tailLines, false));
  } finally {
    await handle.close();
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

/**
 * Where the last `lines` lines before a byte begin, read backwards. `isExact`: a line break that ends exactly there ends the search, so that
 * the line behind it is the first; else it ends the last line that counts.
 */
async function lineBegin(handle: Handle, endByte: number, lines: number, isExact: boolean): Promise<number> {
  let left = lines;
  for (let end = isExact ? endByte : endByte - 1; end > 0;) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const buffer = Buffer.allocUnsafe(end - start);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    const bytes = buffer.subarray(0, bytesRead);
    for (let newline = bytes.lastIndexOf(NEWLINE); newline >= 0;) {
      left -= 1;
      if (left === 0) return start + newline + 1;
      newline = newline === 0 ? -1 : bytes.lastIndexOf(NEWLINE, newline - 1);
    }
    end = start;
  }
  return 0;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

async function openOrNothing(file: string): Promise<Handle | null> {
  try {
    return await open(file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}
