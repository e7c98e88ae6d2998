import { appendFileSync, readFileSync, statSync } from 'node:fs';

import { isDiskFull } from './disk-room.js';
import type { PodFolder } from './pod-folder.js';

/** All that a container printed: inside its folder. */
export const LOG_FILE = 'log';
const TIMES_FILE = 'log.times';

/** The log of one container: its folder lies below the pod's. */
export interface ContainerLog {
  pod: PodFolder;
  folder: string;
}

/** The log was at least this large at that time. */
interface Sample {
  endByte: number;
  atMs: number;
}

/** Notes that a log has grown: "size, milliseconds since the epoch" per line. Nothing stamps single lines; this is accurate to one sample. */
export function noteLogSize(log: ContainerLog, nowMs: number, lastSize: number): number {
  const size = statSync(log.pod.path(log.folder, LOG_FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (size <= lastSize) return size;
  try {
    appendFileSync(log.pod.path(log.folder, TIMES_FILE), `${size} ${Math.round(nowMs)}\n`);
    return size;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return lastSize;
  }
}

/** When the bytes of a log were written: the first sample that had them, else the time of the last change of the log. */
export class SandboxLogTimes {
  private samples: Sample[] = [];
  private readBytes = 0;
  private lastMs = 0;

  constructor(private readonly log: ContainerLog) {
    this.refresh();
  }

  get all(): readonly Sample[] {
    return this.samples;
  }

  /** Takes over what was noted since. */
  refresh(): void {
    const size = statSync(this.path(TIMES_FILE), { throwIfNoEntry: false })?.size ?? 0;
    if (size !== this.readBytes) [this.samples, this.readBytes] = [readSamples(this.path(TIMES_FILE)), size];
    this.lastMs = Math.round(statSync(this.path(LOG_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  }

  at(endByte: number): number {
    return this.samples[this.indexOf(endByte)]?.atMs ?? this.lastMs;
  }

  /** Up to where the log was written before `sinceMs`. */
  bytesBefore(sinceMs: number): number {
    let bytes = 0;
    for (const sample of this.samples) {
      if (sample.atMs >= sinceMs) break;
      bytes = sample.endByte;
    }
    return bytes;
  }

  private indexOf(endByte: number): number {
    let [low, high] = [0, this.samples.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.samples[middle]?.endByte ?? 0) >= endByte) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private path(file: string): string {
    return this.log.pod.path(this.log.folder, file);
  }
}

function readSamples(file: string): Sample[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line.includes(' '))
    .map((line) => {
      const [size, atMs] = line.split(' ').map(Number);
      return { endByte: size ?? 0, atMs: atMs ?? 0 };
    });
}
