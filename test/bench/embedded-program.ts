import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { type BenchRun, until } from './bench-run.js';
import { freePort } from '#libs/testing';
import { answers } from './fleet.js';

export interface EmbeddedProgram {
  url: string;
  pid: number;
  /** From the start of the process to its first successful answer. */
  startMs: number;
  stop(): Promise<void>;
}

/** `argosy up` as a user starts it. */
export const startEmbedded = async (
  run: BenchRun,
  { dataDir, runtime }: { dataDir: string; runtime: string },
): Promise<EmbeddedProgram> => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [path.resolve('services/cli/bin/argosy.js'), 'up', '--data', dataDir, '--runtime', runtime, '--port', String(port)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const stop = (): Promise<void> => end(child);
  run.atEnd(stop);
  await until('the API answers', () => answers(`${url}/api/v1/info`), { limitMs: 60_000, everyMs: 10 });
  return { url, pid: child.pid ?? 0, startMs: performance.now() - startedMs, stop };
};

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
};
