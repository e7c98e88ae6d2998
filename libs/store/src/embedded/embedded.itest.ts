import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MIGRATIONS } from '../migrations/catalogue.js';
import { createStore, type Store } from '../store.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';

let folder = '';
const opened: { stop(): Promise<void> }[] = [];
const stores: Store[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argosy-embedded-'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  for (const server of opened.splice(0)) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<Parameters<typeof startEmbeddedPostgres>[0]> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: join(folder, 'data'), durable: false, ...options });
  opened.push(server);
  return server;
}
function open(server: EmbeddedPostgres): Store {
  const store = createStore({ connection: server.connection, clock: { nowMs: () => 1 }, changes: { crossProcess: false } });
  stores.push(store);
  return store;
}
const submit = (store: Store, uid: string) =>
  store.workflows.insert({ submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: {} }, createdAtMs: 1 });

describe('the embedded Postgres', () => {
  it('starts in a path with spaces and other letters, and keeps its data', async () => {
    const dataDir = join(folder, 'a b ü');
    const first = await start({ dataDir });
    await submit(open(first), 'kept');
    await stores.splice(0)[0]?.close();
    await first.stop();
    const second = await start({ dataDir });
    expect(await open(second).workflows.getByUid('kept')).toMatchObject({ name: 'kept' });
  });

  it('puts its socket elsewhere where the path is too long for one', async () => {
    const server = await start({ dataDir: join(folder, 'x'.repeat(120)) });
    expect(Buffer.byteLength(server.socketDir)).toBeLessThan(90);
    expect(await open(server).health()).toEqual({ ready: true });
  });

  it('adopts a server that is running, or replaces it', async () => {
    const first = await start();
    const adopted = await start({ onLive: 'adopt' });
    expect(adopted).toMatchObject({ adopted: true, pid: first.pid });
    const replaced = await start({ onLive: 'stop' });
    expect(replaced.adopted).toBe(false);
    expect(replaced.pid).not.toBe(first.pid);
    expect(await open(replaced).health()).toEqual({ ready: true });
  });

  it('is started once by many starters at a time', async () => {
    const servers = await Promise.all([start({ onLive: 'adopt' }), start({ onLive: 'adopt' }), start({ onLive: 'adopt' })]);
    expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
    expect(servers.filter(({ adopted }) => !adopted)).toHaveLength(1);
  });

  it('is not disturbed by a pid file that names a stranger', async () => {
    const first = await start();
    const pidFile = join(first.clusterDir, 'postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await first.stop();
    await writeFile(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'), { mode: 0o600 });
    const { uid, gid } = await stat(first.clusterDir);
    await chown(pidFile, uid, gid);
    const second = await start();
    expect(await open(second).health()).toEqual({ ready: true });
  });

  it.skipIf(process.getuid?.() !== 0)('runs for root although the data lies where nobody else can enter', async () => {
    const closed = join(folder, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const server = await start({ dataDir: join(closed, 'data') });
    expect(await open(server).health()).toEqual({ ready: true });
    expect(existsSync(join(closed, 'data', 'cluster'))).toBe(false);
    const { clusterDir } = server;
    await stores.splice(0)[0]?.close();
    await server.stop();
    await rm(join(clusterDir, '..'), { recursive: true, force: true });
  });
});

describe('a store whose Postgres goes away', () => {
  it('can be made before there is a server, says so, and goes on once it is there', async () => {
    const store = createStore({
      connection: { host: join(folder, 'nowhere'), port: 5432, user: 'postgres', database: 'argosy' },
      clock: { nowMs: () => 1 },
    });
    stores.push(store);
    const health = await store.health();
    expect(health.ready).toBe(false);
    expect(health.message).toContain('ENOENT');
    await expect(store.workflows.getByUid('x')).rejects.toMatchObject({ name: 'StoreUnavailableError' });
  });

  it('loses nothing that was acknowledged when the server is killed, and goes on by itself', async () => {
    const first = await start({ durable: true });
    const store = open(first);
    const heard: string[] = [];
    await store.waitUntilReady(10_000);
    const acknowledged: string[] = [];
    let stop = false;
    const writer = (async () => {
      for (let index = 0; !stop; index++) {
        const uid = `w${index}`;
        const outcome = await submit(store, uid).catch((error: unknown) => error);
        if (outcome === 'inserted' || outcome === 'exists') acknowledged.push(uid);
        else heard.push((outcome as Error).name);
      }
    })();
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(20);
    process.kill(first.pid, 'SIGKILL');
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await start({ durable: true });
    const before = acknowledged.length;
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 20);
    stop = true;
    await writer;
    expect(new Set(heard)).toEqual(new Set(['StoreUnavailableError']));
    const stored = await store.database.run<{ uid: string }>({ text: 'SELECT uid FROM workflows' });
    const present = new Set(stored.map(({ uid }) => uid));
    expect(acknowledged.filter((uid) => !present.has(uid))).toEqual([]);
  });

  it('tells other processes of changes again after the connection was cut', async () => {
    const server = await start();
    const writer = createStore({ connection: server.connection, clock: { nowMs: () => 1 } });
    const reader = createStore({ connection: server.connection, clock: { nowMs: () => 1 } });
    stores.push(writer, reader);
    const heard = new Set<string>();
    const unsubscribe = reader.changes.subscribe(({ uid }) => heard.add(uid));
    let count = 0;
    const hears = () =>
      expect
        .poll(async () => (await submit(writer, `c${count++}`), heard.has(`c${count - 2}`)), { timeout: 20_000, interval: 100 })
        .toBe(true);
    await hears();
    await writer.database.run({ text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'` });
    heard.clear();
    await hears();
    unsubscribe();
  });
});

describe('the schema', () => {
  it('is made once by many programs at a time, and a second time does nothing', async () => {
    const server = await start();
    const programs = Array.from({ length: 4 }, () => open(server));
    await Promise.all(programs.map((store) => store.waitUntilReady(20_000)));
    await Promise.all(programs.map((store) => store.workflows.count({})));
    const again = open(server);
    expect(await again.health()).toEqual({ ready: true });
    expect(await again.database.run({ text: 'SELECT schema_version FROM schema_history' })).toEqual([{ schema_version: 68 }]);
    expect(await again.database.run({ text: 'SELECT id FROM argosy_migrations ORDER BY id' })).toEqual(
      MIGRATIONS.map(({ id }) => ({ id })),
    );
  });

  it('refuses archive tables that are too old to be brought forward, and says what to do', async () => {
    const server = await start();
    const { default: pg } = await import('pg');
    const client = new pg.Client(server.connection);
    await client.connect();
    await client.query('CREATE TABLE schema_history (schema_version integer); INSERT INTO schema_history VALUES (3)');
    await client.query('CREATE TABLE argo_archived_workflows (id varchar(128), name varchar(256))');
    await client.end();
    expect((await open(server).health()).message).toContain('let an Argo of version 3 or 4 migrate it once');
  });
});

describe('leases', () => {
  it('are held by one process at a time and end with their holder', async () => {
    const server = await start();
    const [left, right] = [open(server), open(server)];
    const release = await left.leases.tryAcquire('sweep');
    expect(release).toBeTypeOf('function');
    expect(await left.leases.tryAcquire('sweep')).toBeUndefined();
    expect(await right.leases.tryAcquire('sweep')).toBeUndefined();
    const second = await left.leases.tryAcquire('other');
    await release?.();
    expect(await right.leases.run('sweep', async () => 'done')).toBe('done');
    await second?.();
    await left.leases.tryAcquire('sweep');
    left.leases.close();
    await expect.poll(() => right.leases.run('sweep', async () => 'mine'), { timeout: 10_000 }).toBe('mine');
  });
});
