import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { eventually } from './eventually.js';
import { makeSimImage } from './pod-manifests.js';

/** A private Docker daemon without network, which has the image `sim`. */
export interface TestDocker {
  socket: string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;

/**
 * Starts `dockerd` in a folder of its own (root only), or gives the line that says why not. An optional part of the tests, also in
 * continuous integration: nothing installs it, and where it is missing or cannot work its tests are skipped with that line.
 */
export async function startDocker(): Promise<TestDocker | { skipped: string }> {
  const program = ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'].find((file) => existsSync(file));
  if (program === undefined)
    return { skipped: 'skipped: dockerd is not installed (an optional part: the package of Debian or of Docker)' };
  if (process.getuid?.() !== 0) return { skipped: 'skipped: only root can start dockerd' };
  const folder = mkdtempSync(join(tmpdir(), 'argosy-docker-'));
  const socket = join(folder, 'd.sock');
  const daemon = spawn(
    program,
    [
      '--data-root',
      join(folder, 'data'),
      '--exec-root',
      join(folder, 'exec'),
      '--pidfile',
      join(folder, 'pid'),
      '-H',
      `unix://${socket}`,
    ].concat(['--bridge', 'none', '--iptables=false', '--storage-driver', 'vfs', '--log-level', 'error']),
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await eventually(
      () => {
        if (daemon.exitCode !== null) throw new Error(`it ended with code ${daemon.exitCode}`);
        return existsSync(socket) && answers(socket);
      },
      'dockerd answers',
      START_LIMIT_MS,
    );
    importSim(socket, join(folder, 'image'));
    return { socket, stop };
  } catch (error) {
    await stop();
    return { skipped: `skipped: dockerd does not work here (${error instanceof Error ? error.message : String(error)})` };
  }
}

function answers(socket: string): boolean {
  try {
    return curl(socket, '/_ping') === 'OK';
  } catch {
    return false;
  }
}

function curl(socket: string, path: string, ...args: string[]): string {
  return execFileSync('curl', ['-sS', '--fail', '--unix-socket', socket, ...args, `http://docker${path}`], { encoding: 'utf8' });
}

/** An image of this machine's own shell and `sleep`, with the program `sim`: no registry is needed. */
function importSim(socket: string, folder: string): void {
  makeSimImage(folder);
  mkdirSync(join(folder, 'tmp'), { mode: 0o1777 });
  for (const program of ['/bin/sh', '/usr/bin/sleep', '/usr/bin/cat', '/usr/bin/ls']) {
    copy(program, folder);
    const libraries = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/[^\s]+/g) ?? [];
    for (const library of libraries) copy(library, folder);
  }
  const archive = `${folder}.tar`;
  execFileSync('tar', ['-cf', archive, '-C', folder, '.']);
  curl(socket, '/images/create?fromSrc=-&repo=sim&tag=latest', '-X', 'POST', '-T', archive);
}

function copy(file: string, folder: string): void {
  mkdirSync(join(folder, dirname(file)), { recursive: true });
  copyFileSync(file, join(folder, file));
}
