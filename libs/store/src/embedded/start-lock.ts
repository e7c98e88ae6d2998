import { readFile, rm, writeFile } from 'node:fs/promises';

import { EmbeddedPostgresError } from '../errors.js';
import { delay, isAlive } from './postmaster.js';

const LOOK_MS = 50;

/**
 * Lets one process at a time make or start a cluster. The file names its owner; one that a dead process left is taken away. Only a race
 * of several starters over a stale file could let two through, and then the server's own lock file still stops the second.
 */
export async function withStartLock<Result>(lockFile: string, timeoutMs: number, work: () => Promise<Result>): Promise<Result> {
  for (const deadline = performance.now() + timeoutMs; !(await take(lockFile)); await delay(LOOK_MS)) {
    if (performance.now() > deadline)
      throw new EmbeddedPostgresError(`another process has been starting Postgres for too long (${lockFile})`);
    const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(lockFile, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(lockFile, { force: true });
  }
}

async function take(lockFile: string): Promise<boolean> {
  try {
    await writeFile(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
