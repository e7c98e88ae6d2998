import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEST_PARTS = join(resolve(dirname(fileURLToPath(import.meta.url)), '../../..'), 'node_modules', '.cache', 'test-parts');
const SERVER_NAMES = ['redis-server', 'valkey-server'];
const START_LIMIT_MS = 10_000;

/** A Redis of a test's own. `kill` and `start` play an outage; the data survive it where `persistent`. */
export interface TestRedis {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** A key prefix that no other test uses. */
export const randomPrefix = (): string => `test-${randomBytes(6).toString('hex')}`;

/** The Redis-compatible server program of this machine: on PATH, or what `scripts/install-test-parts.mjs` has fetched. */
export function redisProgram(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const onPath = folders.flatMap((folder) => SERVER_NAMES.map((name) => join(folder, name))).find(isExecutable);
  if (onPath !== undefined) return onPath;
  const fetched = join(TEST_PARTS, 'redis-server.path');
  if (!existsSync(fetched)) return undefined;
  const path = readFileSync(fetched, 'utf8').trim();
  return isExecutable(path) ? path : undefined;
}

/** Starts a Redis of the test's own on a free port; undefined where this machine has no server program. */
export async function startRedis({ persistent = false } = {}): Promise<TestRedis | undefined> {
  const program = redisProgram();
  if (program === undefined) return undefined;
  const redis = new RedisProcess(program, await freePort(), persistent);
  await redis.start();
  return redis;
}

class RedisProcess implements TestRedis {
  readonly url: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'argosy-redis-'));
  private child: ChildProcess | undefined;

  constructor(
    private readonly program: string,
    private readonly port: number,
    private readonly persistent: boolean,
  ) {
    this.url = `redis://127.0.0.1:${port}`;
  }

  async start(): Promise<void> {
    const aof = this.persistent ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder, '--save', '', ...aof];
    const child = spawn(this.program, args, { stdio: 'ignore' });
    this.child = child;
    process.once('exit', () => child.kill('SIGKILL'));
    await reachable(this.port, child);
  }

  async kill(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((settle) => child.once('exit', settle));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  await new Promise((settle) => server.close(settle));
  return port;
}

/** Settles when the server answers PING; loading its data takes a moment after a crash. */
async function reachable(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`redis ended with exit code ${child.exitCode}`);
    if (await answersPing(port)) return;
    await new Promise((settle) => setTimeout(settle, 20));
  }
  throw new Error('redis did not start');
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const finish = (answer: boolean): void => {
      socket.destroy();
      settle(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')));
  });
}
