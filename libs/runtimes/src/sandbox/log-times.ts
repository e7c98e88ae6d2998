import { appendFileSync, readFileSync, statSync } from 'node:fs';

import type { PodFolder } from './pod-folder.js';
import { LOG_FILE } from './pod-files.js';

const TIMES_FILE = 'log.times';

/** Notes that a log has grown: "size, milliseconds since the epoch" per line. Nothing stamps single lines; this is accurate to one sample. */
export function noteLogSize(folder: PodFolder, nowMs: number, lastSize: number): number {
  const size = statSync(folder.path(LOG_FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (size > lastSize) appendFileSync(folder.path(TIMES_FILE), `${size} ${Math.round(nowMs)}\n`);
  return size;
}

/** When the byte before this offset was written: the first sample that had it, else the time of the last change of the log. */
export function logTimes(folder: PodFolder): (offset: number) => number {
  const samples = readSamples(folder);
  const last = statSync(folder.path(LOG_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return (offset) => Math.round(samples.find((sample) => sample.size >= offset)?.atMs ?? last);
}

function readSamples(folder: PodFolder): { size: number; atMs: number }[] {
  let text: string;
  try {
    text = readFileSync(folder.path(TIMES_FILE), 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line.includes(' '))
    .map((line) => {
      const [size, atMs] = line.split(' ').map(Number);
      return { size: size ?? 0, atMs: atMs ?? 0 };
    });
}
