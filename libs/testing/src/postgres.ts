import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { createStore, startEmbeddedPostgres, type StoreConnection } from '#libs/store';

/** A database of its own for one test file, already migrated. */
export interface TestDatabase {
  connection: StoreConnection;
  /** Drops it; call in afterAll, after everything that uses it was closed. */
  drop(): Promise<void>;
}

const LOCK = 727_100;
const clock = { nowMs: () => Date.now() };

/**
 * Clones a migrated template database: about 50 ms a file after the first. The server is DATABASE_URL's, or one embedded Postgres that
 * all workers of a test run share (without fsync) and that ends with the run.
 */
export async function postgresTemplate(): Promise<TestDatabase> {
  const server = await sharedServer();
  const name = `argosy_test_${randomBytes(6).toString('hex')}`;
  await withAdmin(server, async (admin) => {
    const template = await ensureTemplate(server, admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`);
  });
  return {
    connection: inDatabase(server, name),
    drop: () => withAdmin(server, async (admin) => void (await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}

let server: Promise<StoreConnection> | undefined;

function sharedServer(): Promise<StoreConnection> {
  server ??= openServer();
  return server;
}

async function openServer(): Promise<StoreConnection> {
  const url = process.env['DATABASE_URL'];
  if (url) return { connectionString: url };
  // All workers are children of the one process of the run, which therefore names the server and bounds its life.
  const dataDir = join(tmpdir(), `argosy-test-postgres-${process.ppid}`);
  const first = !existsSync(dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const postgres = await startEmbeddedPostgres({
    dataDir,
    onLive: 'adopt',
    durable: false,
    dieWithParent: false,
    settings: { max_connections: '100', shared_buffers: '64MB' },
  });
  if (first || !postgres.adopted) endWithRun(postgres.pid, postgres.clusterDir, dataDir);
  return postgres.connection;
}

/** A shell outlives the workers, waits for the end of the run, then stops the server and removes its data. */
function endWithRun(pid: number, clusterDir: string, dataDir: string): void {
  const script =
    'while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -INT "$2" 2>/dev/null; i=0; while [ -e "$3/postmaster.pid" ] && [ $i -lt 50 ]; do sleep 0.2; i=$((i+1)); done; rm -rf "$4"';
  spawn('sh', ['-c', script, 'sh', String(process.ppid), String(pid), clusterDir, dataDir], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
  }).unref();
}

/** Migrates once per server and schema; the lock keeps other workers waiting meanwhile. */
async function ensureTemplate(connection: StoreConnection, admin: pg.Client): Promise<string> {
  const template = 'argosy_test_template';
  await admin.query('SELECT pg_advisory_lock($1)', [LOCK]);
  const found = await admin.query('SELECT datistemplate FROM pg_database WHERE datname = $1', [template]);
  const usable = connection.connectionString === undefined && found.rows[0]?.datistemplate === true;
  if (!usable) {
    // A server that is not ours may hold a template of an older schema.
    if (found.rowCount) {
      await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE false`);
      await admin.query(`DROP DATABASE ${template} WITH (FORCE)`);
    }
    await admin.query(`CREATE DATABASE ${template}`);
    const store = createStore({ connection: inDatabase(connection, template), clock });
    await store.waitUntilReady(10_000);
    await store.close();
    await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
  }
  return template;
}

async function withAdmin(connection: StoreConnection, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ ...connection, ...(connection.connectionString ? {} : { database: 'postgres' }) });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function inDatabase(connection: StoreConnection, database: string): StoreConnection {
  if (!connection.connectionString) return { ...connection, database };
  const url = new URL(connection.connectionString);
  url.pathname = `/${database}`;
  return { connectionString: url.toString() };
}
