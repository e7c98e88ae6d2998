import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStore, type Store } from '#libs/store';
import { freePorts, missingPart, randomPrefix, startRedis, type TestRedis } from '#libs/testing';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { WorkflowsApi } from '../../../services/cli/src/client/workflows-api.js';
import { removeFolder } from '../../../libs/runtimes/src/sandbox/remove-folder.js';
import { probeSandbox } from '#libs/runtimes';
import { PostgresServer } from './postgres-server.js';
import { Program, programFile } from './program.js';
import { StepJournal } from './step-journal.js';

export const NAMESPACE = 'faults';

/** Programs by name; two of those that share work. */
export const PROGRAMS = {
  'scheduler-a': 'scheduler',
  'scheduler-b': 'scheduler',
  'pod-manager-a': 'pod-manager',
  'pod-manager-b': 'pod-manager',
  server: 'server',
  offloader: 'offloader',
  archiver: 'archiver',
  'artifact-gc': 'artifact-gc',
} as const;
export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

const clock = { nowMs: () => Date.now() };

/** Where the pods of a fleet are, if not in the sandbox. */
export interface PodPlace {
  /** Of the workflows. */
  namespace: string;
  /** Address of this machine that pods reach. */
  address: string;
}

/** What a fleet of separate processes lacks here, as a line to show. In continuous integration a missing part throws. */
export async function missingOfFleet(): Promise<string | undefined> {
  if (!existsSync(programFile('server'))) return missingPart('the compiled programs (dist/, made by `npm run build`)');
  const redis = await startRedis();
  if (redis === undefined) return missingPart('redis-server');
  await redis.stop();
  return undefined;
}

/** Why these tests cannot run here, as a line to show; undefined where they can. In continuous integration a missing part throws. */
export async function whyNot(): Promise<string | undefined> {
  const missing = await missingOfFleet();
  if (missing !== undefined) return missing;
  const folder = await mkdtemp(path.join(tmpdir(), 'argosy-e2e-probe-'));
  try {
    const ability = await probeSandbox({ dataFolder: folder, hiddenPaths: [] });
    return 'reason' in ability ? missingPart(`a working sandbox (${ability.reason})`) : undefined;
  } finally {
    await removeFolder(folder);
  }
}

interface FleetParts {
  folder: string;
  postgres: PostgresServer;
  redis: TestRedis;
  journal: StepJournal;
  programs: Record<ProgramName, Program>;
  store: Store;
  api: WorkflowsApi;
  serverAddress: string;
}

/**
 * A whole installation of separate processes on a Redis and a Postgres of its own: two schedulers and two pod-managers (of one host
 * and data folder), one of each other service. Make it with `Fleet.prepare`, whatever happens end it with `tearDown`.
 */
export class Fleet {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly redis: TestRedis;
  readonly journal: StepJournal;
  readonly programs: Readonly<Record<ProgramName, Program>>;
  /** The test's own way to the tables. */
  private readonly store: Store;
  readonly api: WorkflowsApi;
  /** `host:port` of the API. */
  readonly serverAddress: string;

  private constructor(parts: FleetParts) {
    this.folder = parts.folder;
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.journal = parts.journal;
    this.programs = parts.programs;
    this.store = parts.store;
    this.api = parts.api;
    this.serverAddress = parts.serverAddress;
  }

  /** Makes everything; nothing but the step journal is up. `more` are variables of all programs. */
  static async prepare(
    more: Record<string, string> = {},
    { namespace, address }: PodPlace = { namespace: NAMESPACE, address: '127.0.0.1' },
  ): Promise<Fleet> {
    const folder = await mkdtemp(path.join(tmpdir(), 'argosy-e2e-'));
    await chmod(folder, 0o711);
    const logFolder = path.join(folder, 'logs');
    await mkdir(logFolder);
    const postgres = new PostgresServer(path.join(folder, 'database'));
    await postgres.prepare();
    const redis = await startRedis({ persistent: true });
    if (redis === undefined) throw new Error(missingPart('redis-server'));
    await redis.kill();
    const journal = new StepJournal(path.join(folder, 'steps'));
    await journal.start(address);
    const [apiPort = 0, ...ports] = await freePorts(1 + 2 * PROGRAM_NAMES.length);
    const env = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      QUEUE_PREFIX: randomPrefix(),
      DATA_DIR: path.join(folder, 'data'),
      ARTIFACT_REPOSITORY: '{"filesystem":{}}',
      RUNTIME: 'sandbox',
      POD_HOST: 'e2e-host',
      MAX_PODS: '12',
      PORT: String(apiPort),
      LOG_LEVEL: process.env['ARGOSY_E2E_LOG'] ?? 'info',
      ...more,
    };
    const program = (name: ProgramName, index: number): [ProgramName, Program] => {
      const metricsPort = ports[2 * index] ?? 0;
      const own = { METRICS_PORT: String(metricsPort), LOG_PORT: String(ports[2 * index + 1]), POD_MANAGER_NAME: name };
      return [name, new Program({ name, service: PROGRAMS[name], env: { ...env, ...own }, metricsPort, logFolder })];
    };
    const programs = Object.fromEntries(PROGRAM_NAMES.map(program)) as Record<ProgramName, Program>;
    const store = createStore({
      connection: { connectionString: postgres.url },
      clock,
      maxConnections: 2,
      applicationName: 'e2e',
    });
    const serverAddress = `127.0.0.1:${apiPort}`;
    const api = new WorkflowsApi(new ApiClient({ baseUrl: `http://${serverAddress}`, headers: {} }), namespace);
    return new Fleet({ folder, postgres, redis, journal, programs, store, api, serverAddress });
  }

  /** Postgres, Redis, then all programs (or those named) at once; resolves when all are ready. */
  async start(names: readonly ProgramName[] = PROGRAM_NAMES): Promise<void> {
    await Promise.all([this.postgres.start(), this.redis.start()]);
    for (const name of names) this.programs[name].start();
    await Promise.all(names.map((name) => this.programs[name].waitUntilReady()));
  }

  async waitUntilReady(limitMs = 60_000): Promise<void> {
    await Promise.all(Object.values(this.programs).map((program) => program.waitUntilReady(limitMs)));
  }

  /** Rows of a statement of the test's own; rejects while Postgres is away. */
  query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.store.database.run<Row>({ text, values });
  }

  /** Names of programs that ended without being told to. */
  unexpectedEnds(): string[] {
    return PROGRAM_NAMES.filter((name) => this.programs[name].unexpectedEnds > 0);
  }

  /**
   * Ends every process that this made, the pods included, and removes the folder (kept where ARGOSY_E2E_KEEP is set) after whatever a
   * test has still to do with it.
   */
  async tearDown(beforeRemoval: () => void = () => undefined): Promise<void> {
    await Promise.all(Object.values(this.programs).map((program) => program.kill()));
    await this.killPods();
    await this.store.close().catch(() => undefined);
    await Promise.allSettled([this.postgres.stop(), this.redis.stop(), this.journal.stop()]);
    beforeRemoval();
    if (process.env['ARGOSY_E2E_KEEP'] === undefined) await removeFolder(this.folder);
  }

  /** Process numbers of the inits of pods that live, by the folder of the pod. */
  async podInits(): Promise<Map<string, number>> {
    const pods = path.join(this.folder, 'data', 'pods');
    const inits = new Map<string, number>();
    for (const name of existsSync(pods) ? await readdir(pods) : []) {
      const pid = Number((await readFile(path.join(pods, name, 'claim'), 'utf8').catch(() => '')).split(' ')[0]);
      const ended = (await readFile(path.join(pods, name, 'exit'), 'utf8').catch(() => '')).includes('end');
      if (pid > 0 && !ended && existsSync(`/proc/${pid}`)) inits.set(path.join(pods, name), pid);
    }
    return inits;
  }

  private async killPods(): Promise<void> {
    for (const pid of (await this.podInits()).values()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in between.
      }
    }
  }
}
