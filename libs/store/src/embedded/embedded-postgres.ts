import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { type StoreConnection, type StoreLogger } from '../connection/database.js';
import { EmbeddedPostgresError } from '../errors.js';
import { type ClusterFolders, placeCluster } from './cluster-folders.js';
import { prepareNativeBinaries } from './native-binaries.js';
import { delay, findLivePostmaster, type LivePostmaster, stopPostmaster, waitUntilReady } from './postmaster.js';
import { withStartLock } from './start-lock.js';
import { chooseUser, type UnprivilegedUser } from './unprivileged-user.js';

const run = promisify(execFile);

export interface EmbeddedPostgresOptions {
  /** Holds the cluster, its socket and its log; made where it does not exist. */
  dataDir: string;
  /** A server that already runs on this data: use it (`adopt`), or end it and start anew (`stop`, the default). */
  onLive?: 'adopt' | 'stop';
  /** Names the socket file; the server listens on no network. Default 5432. */
  port?: number;
  /** False: no fsync, for tests whose data may be lost. Default true. */
  durable?: boolean;
  /** Ask the system to end the server when this process dies (Linux with util-linux' setpriv). Default true. */
  dieWithParent?: boolean;
  /** Default 30000. */
  startTimeoutMs?: number;
  /** Further server settings, `name: value`. */
  settings?: Record<string, string>;
  logger?: StoreLogger;
  /** Called when the server's process runs and is waited for: the time to do something else. Not called where one is adopted. */
  onSpawn?: () => void;
}

export interface EmbeddedPostgres {
  /** To give to `createStore`; database and user are `argosy`'s own. */
  connection: Required<Pick<StoreConnection, 'host' | 'port' | 'user' | 'database'>>;
  pid: number;
  /** True where the server was running already; it then lives on when this process ends. */
  adopted: boolean;
  /** Postgres' data directory. */
  clusterDir: string;
  socketDir: string;
  /** Shuts the server down and resolves when it is gone. */
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
const DATABASE = 'argosy';
const LOG_KEEP_BYTES = 1_000_000;
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];
/** Failures that heal by themselves: the last owner of the cluster is not quite gone. */
const PASSING = /lock file (?!.*Permission denied)|shared memory|is being used|recovery|starting up|Address already in use/i;

/** A small server: an idle one costs about 25 MB. io_method=sync saves the worker processes. */
const LEAN_SETTINGS: Record<string, string> = {
  listen_addresses: '',
  shared_buffers: '24MB',
  max_connections: '60',
  jit: 'off',
  io_method: 'sync',
  huge_pages: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_worker_processes: '2',
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '1',
  autovacuum_naptime: '20s',
  min_wal_size: '64MB',
  max_wal_size: '512MB',
  checkpoint_timeout: '15min',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  unix_socket_permissions: '0700',
};

interface Starting {
  options: EmbeddedPostgresOptions;
  folders: ClusterFolders;
  native: string;
  user: UnprivilegedUser | undefined;
  deadline: number;
}

/**
 * Starts Postgres from the platform's npm package on `dataDir`, making the cluster on first use. Works as an ordinary user and as root
 * (the server then runs as an unprivileged user). A server left over by a killed predecessor is adopted or stopped; a stale pid file
 * does no harm. Two starters at once: one starts, the other adopts. Throws EmbeddedPostgresError saying what is missing.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = await chooseUser(join(options.dataDir, 'cluster'));
  const folders = await placeCluster(options.dataDir, user);
  const native = await prepareNativeBinaries(folders.cacheDir, user);
  const starting = { options, folders, native, user, deadline: performance.now() + (options.startTimeoutMs ?? 30_000) };
  const server = await withStartLock(
    join(dirname(folders.clusterDir), 'starting.lock'),
    options.startTimeoutMs ?? 30_000,
    async () => {
      await initialise(starting);
      return adoptOrStart(starting);
    },
  );
  const handle = {
    ...server,
    clusterDir: folders.clusterDir,
    connection: connectionOf(server),
    stop: () => stopPostmaster(server.pid),
  };
  await ensureDatabase(handle.connection);
  return handle;
}

const connectionOf = (server: LivePostmaster) => ({
  host: server.socketDir,
  port: server.port,
  user: SUPERUSER,
  database: DATABASE,
});

const identityOf = (user: UnprivilegedUser | undefined) => (user ? { uid: user.uid, gid: user.gid } : {});

/** initdb writes PG_VERSION last of what we look at; a cluster that a crash left half made is refused by initdb itself and said so. */
async function initialise({ folders, native, user, options }: Starting): Promise<void> {
  if (existsSync(join(folders.clusterDir, 'PG_VERSION'))) return;
  options.logger?.info('making a new Postgres cluster', { folder: folders.clusterDir });
  const args = ['-D', folders.clusterDir, '-U', SUPERUSER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  try {
    await run(join(native, 'bin', 'initdb'), options.durable === false ? [...args, '--no-sync'] : args, {
      ...identityOf(user),
      cwd: '/',
    });
  } catch (cause) {
    throw new EmbeddedPostgresError(`the Postgres cluster in ${folders.clusterDir} cannot be made: ${outputOf(cause)}`, {
      cause,
    });
  }
}

const outputOf = (error: unknown): string => {
  const stderr = (error as { stderr?: unknown }).stderr;
  return typeof stderr === 'string' && stderr.trim() !== ''
    ? stderr.trim()
    : error instanceof Error
      ? error.message
      : String(error);
};

async function adoptOrStart(starting: Starting): Promise<LivePostmaster & { adopted: boolean }> {
  const { folders, options, deadline } = starting;
  let useSetpriv = options.dieWithParent ?? true;
  let failure = 'no message';
  for (;;) {
    const live = await findLivePostmaster(folders.clusterDir);
    if (live && options.onLive === 'adopt') {
      const alive = () => true;
      if (await waitUntilReady(folders.clusterDir, live.pid, { timeoutMs: 5_000, alive })) return { ...live, adopted: true };
    }
    if (live) {
      options.logger?.warn('stopping the Postgres server that a predecessor left running', { pid: live.pid });
      await stopPostmaster(live.pid);
    }
    const attempt = await startOnce(starting, useSetpriv);
    if ('pid' in attempt) return { ...attempt, adopted: false };
    failure = attempt.failure || failure;
    const passing = PASSING.test(failure);
    if (performance.now() > deadline || !(passing || useSetpriv))
      throw new EmbeddedPostgresError(`postgres did not start: ${failure}`);
    if (!passing) useSetpriv = false;
    await delay(200);
  }
}

async function startOnce(starting: Starting, useSetpriv: boolean): Promise<LivePostmaster | { failure: string }> {
  const { folders, options, deadline } = starting;
  const port = options.port ?? 5432;
  await truncateLog(folders.logFile);
  const log = await open(folders.logFile, 'a', 0o600);
  const logStart = (await log.stat()).size;
  const command = commandLine(starting, port, useSetpriv);
  const child = spawn(command.file, command.args, {
    ...command.identity,
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const spawned = new Promise<Error | undefined>((resolve) => {
    child.once('spawn', () => resolve(undefined));
    child.once('error', resolve);
  });
  await log.close();
  const spawnError = await spawned;
  if (spawnError || child.pid === undefined) return { failure: spawnError?.message ?? 'no process' };
  options.onSpawn?.();
  const { pid } = child;
  const alive = () => child.exitCode === null && child.signalCode === null;
  if (await waitUntilReady(folders.clusterDir, pid, { timeoutMs: Math.max(0, deadline - performance.now()), alive })) {
    child.unref();
    return { pid, port, socketDir: folders.socketDir };
  }
  await endChild(child, alive);
  return { failure: (await readFile(folders.logFile, 'utf8').catch(() => '')).slice(logStart).slice(-2000).trim() };
}

async function endChild(child: ChildProcess, alive: () => boolean): Promise<void> {
  if (alive() && child.pid !== undefined) await stopPostmaster(child.pid);
}

function commandLine({ native, user, options, folders }: Starting, port: number, useSetpriv: boolean) {
  const settings = {
    ...LEAN_SETTINGS,
    ...(options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
    ...options.settings,
  };
  const postgres = [
    join(native, 'bin', 'postgres'),
    ...['-D', folders.clusterDir, '-p', String(port), '-k', folders.socketDir],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const setpriv = useSetpriv && process.platform === 'linux' ? SETPRIV.find((path) => existsSync(path)) : undefined;
  if (!setpriv) return { file: postgres[0] ?? '', args: postgres.slice(1), identity: identityOf(user) };
  const become = user ? ['--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'] : [];
  return { file: setpriv, args: ['--pdeathsig', 'INT', ...become, ...postgres], identity: {} };
}

/** Nobody rotates this log: it holds warnings only and starts anew once it has grown. */
async function truncateLog(logFile: string): Promise<void> {
  const text = await readFile(logFile).catch(() => undefined);
  if (text && text.length > LOG_KEEP_BYTES) await truncate(logFile, 0);
}

async function ensureDatabase(connection: EmbeddedPostgres['connection']): Promise<void> {
  const client = new pg.Client({ ...connection, database: 'postgres' });
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    // Another starter may have made it in between.
    if ((error as { code?: string }).code !== '42P04' && (error as { code?: string }).code !== '23505') throw error;
  } finally {
    await client.end();
  }
}
