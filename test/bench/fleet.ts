import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type EmbeddedPostgres, createStore, startEmbeddedPostgres, type Store } from '#libs/store';
import { freePort, missingPart, startRedis, type TestRedis } from '#libs/testing';
import { type BenchRun, until } from './bench-run.js';
import { cpuSeconds, peakRssMegabytes, processTree, pssMegabytes } from './process-figures.js';

export interface FleetSize {
  schedulers: number;
  podManagers: number;
  /** Variables of all programs beside those that the fleet needs. */
  environment?: Record<string, string>;
}

export interface Fleet {
  url: string;
  store: Store;
  /** Processor seconds used so far, by kind of program. */
  cpuByProgram(): Record<string, number>;
  /** Largest resident set of any scheduler. */
  schedulerPeakRssMb(): number;
  /** Memory (PSS) by kind of program; of several of a kind the largest. */
  memoryByProgram(): Record<string, number>;
  /** Calls that changed objects of the cluster so far, those that were refused included, by verb and resource. */
  clusterWrites(): Promise<Record<string, number>>;
  stop(): Promise<void>;
}

interface Program {
  name: string;
  child: ChildProcess;
  healthUrl: string;
  metricsUrl: string;
}

const clock = { nowMs: () => Date.now() };
const STOP_LIMIT_MS = 15_000;

/** Settings of a server that has work to do; durability is as delivered. */
const POSTGRES_SETTINGS = { max_connections: '200', shared_buffers: '128MB', max_wal_size: '2GB' };

/** All services as programs of their own out of dist/, on a Redis and a Postgres of their own; pods are simulated. */
export const startFleet = async (run: BenchRun, size: FleetSize, name: string): Promise<Fleet> => {
  const folder = path.join(run.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const redis = await startRedis();
  if (!redis) throw new Error(missingPart('redis-server'));
  run.atEnd(() => redis.stop());
  const postgres = await startEmbeddedPostgres({ dataDir: folder, settings: POSTGRES_SETTINGS });
  run.atEnd(() => postgres.stop());
  const store = createStore({ connection: postgres.connection, clock, applicationName: 'bench', maxConnections: 2 });
  run.atEnd(() => store.close());
  await store.waitUntilReady(20_000);
  const port = await freePort();
  const programs = await programsOf(size, folder, { ...environmentOf(postgres, redis), ...size.environment, PORT: String(port) });
  const stop = async (): Promise<void> => {
    await Promise.all(programs.splice(0).map(stopProgram));
  };
  run.atEnd(stop);
  const url = `http://127.0.0.1:${port}`;
  await until('the services are up', () => areUp(url, programs), { limitMs: 120_000, everyMs: 100 });
  return {
    url,
    store,
    cpuByProgram: () => cpuOf([...programs, { name: 'postgres', child: { pid: postgres.pid } }]),
    schedulerPeakRssMb: () =>
      Math.max(
        ...programs.filter((program) => program.name === 'scheduler').map(({ child }) => peakRssMegabytes(child.pid ?? 0)),
      ),
    memoryByProgram: () => memoryOf(programs),
    clusterWrites: () => writesOf(programs),
    stop: async () => {
      await stop();
      await store.close();
      await postgres.stop();
      await redis.stop();
    },
  };
};

/** What the image of the services gives Node. */
const imageNodeOptions = (): string => {
  const found = /^FROM scratch AS services\n(?:.+\n)*?ENV .*\bNODE_OPTIONS=(\S+)/m.exec(readFileSync('Dockerfile', 'utf8'));
  if (found?.[1] === undefined) throw new Error('the Dockerfile sets no NODE_OPTIONS for the services');
  return found[1];
};

const environmentOf = (postgres: EmbeddedPostgres, redis: TestRedis): Record<string, string> => {
  const { host, port, user, database } = postgres.connection;
  return {
    PATH: process.env['PATH'] ?? '',
    NODE_OPTIONS: imageNodeOptions(),
    DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`,
    QUEUE_BACKEND: 'redis',
    REDIS_URL: redis.url,
    RUNTIME: 'simulated',
    LOG_PORT: '0',
    LOG_LEVEL: 'warn',
  };
};

const programsOf = async (
  { schedulers, podManagers }: FleetSize,
  folder: string,
  environment: Record<string, string>,
): Promise<Program[]> => {
  const start = async (name: string, index: number, extra: Record<string, string> = {}): Promise<Program> => {
    const healthPort = await freePort();
    const logFile = path.join(folder, `${name}-${index}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [path.resolve('dist', 'services', name, 'src', 'main.js')], {
      env: { ...environment, METRICS_PORT: String(healthPort), ...extra },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('exit', (code) => {
      if (code) console.error(`${name} ended with exit code ${code}: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
    });
    const address = `http://127.0.0.1:${healthPort}`;
    return { name, child, healthUrl: `${address}/readyz`, metricsUrl: `${address}/metrics` };
  };
  const many = (count: number, make: (index: number) => Promise<Program>): Promise<Program>[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const dataDir = path.join(folder, 'server');
  return Promise.all([
    start('server', 0, { DATA_DIR: dataDir }),
    ...many(schedulers, (index) => start('scheduler', index)),
    ...many(podManagers, (index) =>
      start('pod-manager', index, { POD_HOST: `host-${index}`, DATA_DIR: path.join(folder, `host-${index}`) }),
    ),
    start('offloader', 0),
    start('archiver', 0),
    start('artifact-gc', 0, { DATA_DIR: dataDir }),
  ]);
};

export const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) => (await response.arrayBuffer(), response.ok),
    () => false,
  );

const areUp = async (url: string, programs: readonly Program[]): Promise<boolean> => {
  const ready = await Promise.all([`${url}/api/v1/info`, ...programs.map(({ healthUrl }) => healthUrl)].map(answers));
  return ready.every((isReady) => isReady);
};

const cpuOf = (programs: readonly { name: string; child: { pid?: number | undefined } }[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { name, child } of programs) {
    const tree = child.pid === undefined ? [] : processTree(child.pid);
    sums[name] = (sums[name] ?? 0) + cpuSeconds(tree);
  }
  return sums;
};

const memoryOf = (programs: readonly Program[]): Record<string, number> => {
  const largest: Record<string, number> = {};
  for (const { name, child } of programs)
    largest[name] = Math.max(largest[name] ?? 0, child.pid === undefined ? 0 : pssMegabytes(processTree(child.pid)));
  return largest;
};

const WRITE =
  /^argosy_kubernetes_calls_total\{verb="(create|update|patch|delete|deletecollection)",resource="([^"]*)",[^}]*\} (\d+)$/gm;

const writesOf = async (programs: readonly Program[]): Promise<Record<string, number>> => {
  const sums: Record<string, number> = {};
  const texts = await Promise.all(programs.map(async ({ metricsUrl }) => (await fetch(metricsUrl)).text()));
  for (const text of texts)
    for (const [, verb = '', resource = '', count] of text.matchAll(WRITE)) {
      const key = `${verb} ${resource}`;
      sums[key] = (sums[key] ?? 0) + Number(count);
    }
  return sums;
};

const stopProgram = async ({ child }: Program): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(hard);
};
