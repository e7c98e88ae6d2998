import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './free-ports.js';
import { installedProgram, isExecutable, TEST_PARTS } from './installed-program.js';
import { portAnswers, ServerProcess } from './server-process.js';

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
  const onPath = installedProgram(SERVER_NAMES);
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
  private readonly server = new ServerProcess();

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
    // Loading its data takes a moment after a crash: until then PING is refused.
    const answers = () => portAnswers(this.port, /^\+PONG/, 'PING\r\n');
    await this.server.start({ program: this.program, args, answers, startLimitMs: START_LIMIT_MS });
  }

  async kill(): Promise<void> {
    await this.server.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
