import { statfsSync } from 'node:fs';

import { RuntimeUnavailableError } from '../errors.js';
import { isCode } from './system-error.js';

/** Free bytes below which no further pod is made or started: what runs has its records to write. */
const LEAST_FREE_BYTES = 16 * 1024 * 1024;

/** Whether an error says that the disk (or what this user may have of it) is full. */
export const isDiskFull = (error: unknown): boolean => isCode(error, 'ENOSPC', 'EDQUOT');

/** Why no pod can be made on the disk of a folder for lack of room; undefined: there is enough, or the disk does not tell. */
export function lackOfRoom(folder: string): string | undefined {
  const { bavail, bsize, blocks } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (blocks === 0 || freeBytes >= Math.min(LEAST_FREE_BYTES, (blocks * bsize) / 4)) return undefined;
  return `the disk of the pods has ${Math.floor(freeBytes / 1024 / 1024)} MiB left`;
}

/** Throws RuntimeUnavailableError where a pod may not be started now. */
export function assertRoom(folder: string): void {
  const lack = lackOfRoom(folder);
  if (lack !== undefined) throw new RuntimeUnavailableError(lack);
}

/** Gives what `work` gives; a full disk becomes a RuntimeUnavailableError, as it may have room again. */
export function unlessDiskFull<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new RuntimeUnavailableError('the disk of the pods is full', { cause: error });
  }
}
