import { closeSync, openSync, readSync } from 'node:fs';

/** Where a program writes its progress (`ARGO_PROGRESS_FILE`), as its container sees it. */
export const PROGRESS_FILE = '/var/run/argo/progress';

const MAX_BYTES = 4_096;
const PROGRESS = /^(\d+)\/(\d+)$/;

/** The last line of a text where it is a progress `N/M` with N ≤ M, as Argo's executor takes it; else undefined. */
export function progressOf(text: string): string | undefined {
  const last = text.trim().split('\n').at(-1)?.trim() ?? '';
  const found = PROGRESS.exec(last);
  return found === null || Number(found[1]) > Number(found[2]) ? undefined : last;
}

/** The progress in a file of the host; undefined where it cannot be read or says none. */
export function readProgress(file: string): string | undefined {
  try {
    const opened = openSync(file, 'r');
    try {
      const buffer = Buffer.alloc(MAX_BYTES);
      return progressOf(buffer.toString('utf8', 0, readSync(opened, buffer, 0, MAX_BYTES, 0)));
    } finally {
      closeSync(opened);
    }
  } catch {
    return undefined;
  }
}
