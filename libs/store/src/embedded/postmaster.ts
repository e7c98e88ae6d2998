import { execFile } from 'node:child_process';
import { readFile, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { EmbeddedPostgresError } from '../errors.js';

const run = promisify(execFile);
const LOOK_MS = 25;

/** A running server as its `postmaster.pid` describes it. */
export interface LivePostmaster {
  pid: number;
  port: number;
  socketDir: string;
}

export const delay = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

async function pidFileLines(clusterDir: string): Promise<string[]> {
  return (await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
}

/**
 * The server that really owns the cluster, or undefined: no file, a dead process, or a process id that now belongs to something
 * else. On Linux a postmaster's working directory is its cluster; elsewhere its command line names it.
 */
export async function findLivePostmaster(clusterDir: string): Promise<LivePostmaster | undefined> {
  const lines = await pidFileLines(clusterDir);
  const pid = Math.abs(Number(lines[0]));
  if (!pid || !(await ownsCluster(pid, clusterDir))) return undefined;
  return { pid, port: Number(lines[3]), socketDir: lines[4] ?? '' };
}

async function ownsCluster(pid: number, clusterDir: string): Promise<boolean> {
  const real = await realpath(clusterDir).catch(() => clusterDir);
  if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === real;
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.includes('postgres') && (stdout.includes(real) || stdout.includes(clusterDir));
}

/** Line 8 of the file says `ready` once connections are accepted. */
export async function isReady(clusterDir: string, pid: number): Promise<boolean> {
  const lines = await pidFileLines(clusterDir);
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
}

export async function waitUntilReady(
  clusterDir: string,
  pid: number,
  options: { timeoutMs: number; alive: () => boolean },
): Promise<boolean> {
  for (const deadline = performance.now() + options.timeoutMs; performance.now() < deadline; await delay(LOOK_MS)) {
    if (await isReady(clusterDir, pid)) return true;
    if (!options.alive()) return false;
  }
  return false;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A zombie is over, although its process id still answers. */
async function isOver(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return true;
  if (process.platform !== 'linux') return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat === '' || /\) Z /.test(stat);
}

/** Postgres' own ladder: fast shutdown, immediate shutdown, kill. Resolves when the process is gone. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const [signal, timeoutMs] of [
    ['SIGINT', 10_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await delay(LOOK_MS)) {
      if (await isOver(pid)) return;
    }
  }
  throw new EmbeddedPostgresError(`postgres (process ${pid}) does not stop`);
}
