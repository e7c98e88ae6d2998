import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LogLine, LogOptions } from '../contract.js';
import { isCode } from './system-error.js';

const FOLLOW_POLL_MS = 100;
const NEWLINE = 0x0a;

export interface LogSource {
  file: string;
  container: string;
  /** Gives, for what is known now, when the bytes up to an offset were written. */
  times: () => (offset: number) => number;
  hasEnded: () => boolean;
}

interface Line {
  text: string;
  offset: number;
}

/**
 * The lines of a pod's log. `tailLines` and `sinceMs` select among what is there when it begins; with `follow` it goes on until
 * the pod has ended or the signal is given. A last line without line break is given at the end.
 */
export async function* readLines(source: LogSource, options: LogOptions): AsyncIterable<LogLine> {
  let offset = 0;
  let rest = '';
  let backlog: LogLine[] | null = [];
  for (;;) {
    const last = source.hasEnded() || options.follow !== true;
    const read = await readFrom(source.file, offset, rest);
    const lines = last && read.rest !== '' ? [...read.lines, { text: read.rest, offset: read.offset }] : read.lines;
    const timeAt = source.times();
    const found = lines
      .map(({ text, offset: end }): LogLine => ({ container: source.container, atMs: timeAt(end), text }))
      .filter((line) => options.sinceMs === undefined || line.atMs >= options.sinceMs);
    if (backlog === null) yield* found;
    else yield* options.tailLines === undefined ? found : tail(found, options.tailLines);
    backlog = null;
    ({ offset, rest } = read);
    if (last || options.signal?.aborted === true) return;
    await sleep(FOLLOW_POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() => undefined);
  }
}

const tail = (lines: LogLine[], count: number): LogLine[] => (count <= 0 ? [] : lines.slice(-count));

async function readFrom(file: string, offset: number, carried: string): Promise<{ lines: Line[]; offset: number; rest: string }> {
  const decoder = new TextDecoder();
  const lines: Line[] = [];
  let rest = carried;
  let position = offset;
  try {
    if (statSync(file).size <= offset) return { lines, offset, rest };
    for await (const chunk of createReadStream(file, { start: offset })) {
      const bytes = chunk as Buffer;
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (
        let newline = bytes.indexOf(NEWLINE), index = 0;
        newline >= 0;
        newline = bytes.indexOf(NEWLINE, newline + 1), index += 1
      ) {
        lines.push({ text: parts[index] ?? '', offset: position + newline + 1 });
      }
      position += bytes.length;
    }
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
  return { lines, offset: position, rest };
}
