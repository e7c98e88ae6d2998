import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RuntimeUnavailableError } from '../errors.js';
import { FORWARDER_SCRIPT } from './forwarder-script.js';
import type { HostTools } from './init-script.js';
import type { PodFolder } from './pod-folder.js';
import { isAlive } from './process-identity.js';

const NOT_RUNNING = 'the pod does not run';
const START_LIMIT_MS = 10_000;
const POLL_MS = 20;
/** What fits into the address of a unix socket. */
const LONGEST_ADDRESS_BYTES = 107;

interface ForwarderMeans {
  tools: HostTools;
  userNamespace: boolean;
}

interface Forwarder {
  pod: string;
  ready: Promise<string>;
  end: () => void;
}

/**
 * Programs that make ports of pods with a network of their own reachable from the host: each is in the pod's network and in the host's
 * file system, and relays a socket in the pod's folder. They live for as long as this process follows the pod: its death ends their
 * standard input. One that has ended is started again when it is next asked for.
 */
export class Forwarders {
  private readonly running = new Map<string, Forwarder>();

  constructor(private readonly means: ForwarderMeans) {}

  /** The socket of a port, when it takes connections. Throws RuntimeUnavailableError where the pod does not run. */
  async socketOf(folder: PodFolder, port: number): Promise<string> {
    const key = `${folder.folder} ${port}`;
    const known = this.running.get(key);
    if (known !== undefined) return known.ready;
    const made = this.start(folder, port, () => {
      if (this.running.get(key) === made) this.running.delete(key);
    });
    this.running.set(key, made);
    return made.ready;
  }

  /** Ends those of a pod. */
  end(folder: string): void {
    for (const { pod, end } of [...this.running.values()]) if (pod === folder) end();
  }

  endAll(): void {
    for (const { end } of [...this.running.values()]) end();
  }

  private start(folder: PodFolder, port: number, ended: () => void): Forwarder {
    let child: ChildProcess | undefined;
    let isOver = false;
    const ready = async (): Promise<string> => {
      const pid = await initOf(folder);
      if (isOver) throw new RuntimeUnavailableError(NOT_RUNNING);
      removeSockets(folder, port);
      // A name of its own: one that is just ending may still remove its socket.
      const name = `${socketPrefix(port)}${randomBytes(4).toString('hex')}`;
      const place = placeOf(folder.folder, name);
      const finish = (): void => {
        place.release();
        ended();
      };
      child = this.launch({ folder: folder.folder, pid }, [name, String(port)])
        .once('exit', finish)
        .once('error', finish);
      await untilReady(child);
      return place.socketPath;
    };
    const made = ready();
    made.catch(ended);
    return {
      pod: folder.folder,
      ready: made,
      end: () => {
        isOver = true;
        child?.kill('SIGKILL');
      },
    };
  }

  private launch({ folder, pid }: { folder: string; pid: number }, args: readonly string[]): ChildProcess {
    const { tools, userNamespace } = this.means;
    const scope = [...(userNamespace ? ['-U', '--preserve-credentials'] : []), '-n'];
    const program = [process.execPath, '-e', FORWARDER_SCRIPT, ...args];
    return spawn(tools.nsenter ?? 'nsenter', ['-t', String(pid), ...scope, '--', ...program], {
      cwd: folder,
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      // Signals of a terminal are for who started it.
      detached: true,
    });
  }
}

const socketPrefix = (port: number): string => `forward-${port}-`;

/** What forwarders that were killed have left. */
function removeSockets(folder: PodFolder, port: number): void {
  for (const name of readdirSync(folder.folder))
    if (name.startsWith(socketPrefix(port))) rmSync(folder.path(name), { force: true });
}

/** The pod's first process, in whose network it is; waits for one that is just beginning. */
async function initOf(folder: PodFolder): Promise<number> {
  for (let waitedMs = 0; waitedMs < START_LIMIT_MS; waitedMs += POLL_MS) {
    const claim = folder.claim();
    if (claim !== null && claim !== 'unwritten') {
      if (isAlive(claim)) return claim.pid;
      break;
    }
    await sleep(POLL_MS);
  }
  throw new RuntimeUnavailableError(NOT_RUNNING);
}

/** A path that is too long for a socket's address leads through an open folder. */
function placeOf(folder: string, name: string): { socketPath: string; release: () => void } {
  const whole = path.join(folder, name);
  if (Buffer.byteLength(whole) <= LONGEST_ADDRESS_BYTES) return { socketPath: whole, release: () => undefined };
  let open: number | undefined = openSync(folder, 'r');
  return {
    socketPath: `/proc/self/fd/${open}/${name}`,
    release: () => {
      if (open !== undefined) closeSync(open);
      open = undefined;
    },
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (reason: string): void => {
      clearTimeout(limit);
      reject(new RuntimeUnavailableError(`the pod's network cannot be reached: ${reason}`));
    };
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      fail('no answer');
    }, START_LIMIT_MS);
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-500);
    });
    // Its death closes the pipe, which is no error of ours.
    child.stdin?.on('error', () => undefined);
    child.once('error', (error) => fail(error.message));
    child.once('exit', () => fail(said.trim()));
    child.stdout?.once('data', () => {
      clearTimeout(limit);
      resolve();
    });
  });
}
