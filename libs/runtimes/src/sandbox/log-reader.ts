import { createReadStream, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LogLine, LogOptions } from '../contract.js';
import { isCode } from './system-error.js';

const FOLLOW_POLL_MS = 100;

export interface LogSource {
  file: string;
  container: string;
  /** When a byte of the log was written, as far as it was noted. */
  timeAt: (offset: number) => number;
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
    const found = lines
      .map((line) => toLogLine(line, source))
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

function toLogLine(line: Line, source: LogSource): LogLine {
  return { container: source.container, atMs: source.timeAt(line.offset), text: line.text };
}

async function readFrom(file: string, offset: number, carried: string): Promise<{ lines: Line[]; offset: number; rest: string }> {
  const decoder = new TextDecoder();
  const lines: Line[] = [];
  let rest = carried;
  let position = offset;
  try {
    if (statSync(file).size <= offset) return { lines, offset, rest };
    for await (const chunk of createReadStream(file, { start: offset })) {
      const bytes = chunk as Buffer;
      position += bytes.length;
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const text of parts) lines.push({ text, offset: position });
    }
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
  return { lines, offset: position, rest };
}
