import { appendFileSync, readFileSync, statSync } from 'node:fs';

import type { PodFolder } from './pod-folder.js';
import { LOG_FILE } from './pod-files.js';

const TIMES_FILE = 'log.times';

/** The log of one container: its folder lies below the pod's. */
export interface ContainerLog {
  pod: PodFolder;
  folder: string;
}

/** Notes that a log has grown: "size, milliseconds since the epoch" per line. Nothing stamps single lines; this is accurate to one sample. */
export function noteLogSize(log: ContainerLog, nowMs: number, lastSize: number): number {
  const size = statSync(log.pod.path(log.folder, LOG_FILE), { throwIfNoEntry: false })?.size ?? 0;
  if (size > lastSize) appendFileSync(log.pod.path(log.folder, TIMES_FILE), `${size} ${Math.round(nowMs)}\n`);
  return size;
}

/** When the byte before this offset was written: the first sample that had it, else the time of the last change of the log. */
export function logTimes(log: ContainerLog): (offset: number) => number {
  const samples = readSamples(log);
  const last = statSync(log.pod.path(log.folder, LOG_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return (offset) => Math.round(samples.find((sample) => sample.size >= offset)?.atMs ?? last);
}

function readSamples({ pod, folder }: ContainerLog): { size: number; atMs: number }[] {
  let text: string;
  try {
    text = readFileSync(pod.path(folder, TIMES_FILE), 'utf8');
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
