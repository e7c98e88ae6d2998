import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openResources } from '#libs/program';
import { createStore, type Store, type StoreConnection } from '#libs/store';
import { eventually, postgresTemplate, quietLogger, spawnTypeScript, type TestDatabase } from '#libs/testing';

const clock = { nowMs: () => Date.now() };
const KILLS = 4;

let database: TestDatabase;
let store: Store;
const schedulers: ChildProcess[] = [];

const urlOf = ({ connectionString, host = '', port = 5432, user = 'postgres', database: name = '' }: StoreConnection): string =>
  connectionString ?? `postgres://${user}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`;

/** `started`: it looks at schedules. Only then may the other one die: what is due while nobody runs is lost, as in Argo. */
const startScheduler = (): { child: ChildProcess; started: Promise<void> } => {
  const child = spawnTypeScript('services/scheduler/src/main.ts', {
    env: {
      DATABASE_URL: urlOf(database.connection),
      QUEUE_BACKEND: 'postgres',
      METRICS_PORT: '0',
      SCHEDULE_INTERVAL: '100ms',
      DATABASE_POOL_SIZE: '4',
    },
  });
  child.stdout?.resume();
  schedulers.push(child);
  let printed = '';
  const started = new Promise<void>((resolve) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      if (printed.includes('"started"')) return;
      printed += chunk.toString();
      if (printed.includes('"started"')) resolve();
    });
  });
  return { child, started };
};

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once('close', () => resolve()));

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock, logger: quietLogger, maxConnections: 2 });
});
afterAll(async () => {
  for (const child of schedulers) child.kill('SIGKILL');
  await Promise.all(schedulers.map(ended));
  await store.close();
  await database.drop();
});

/** Seconds since 1970 of the runs that there are. */
const ticks = async (): Promise<number[]> => {
  const rows = await store.database.run<{ name: string }>({ text: 'SELECT name FROM workflows ORDER BY created_at_ms, name' });
  return rows.map(({ name }) => Number(name.slice('tick-'.length))).sort((a, b) => a - b);
};

it('runs each second exactly once while two schedulers are killed in turn', async () => {
  await openResources(store, clock).create({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'CronWorkflow',
    metadata: { name: 'tick', namespace: 'argo' },
    spec: {
      schedules: ['@every 1s'],
      successfulJobsHistoryLimit: 1000,
      failedJobsHistoryLimit: 1000,
      // Nothing but rows: there is no pod-manager here.
      workflowSpec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }] },
    },
  });
  const pair = [startScheduler(), startScheduler()];
  await eventually(async () => (await ticks()).length >= 2, 'the first ticks have run', 60_000);
  for (let kill = 0; kill < KILLS; kill += 1) {
    await Promise.all(pair.map(({ started }) => started));
    const before = (await ticks()).length;
    pair[kill % 2]?.child.kill('SIGKILL');
    pair[kill % 2] = startScheduler();
    await eventually(async () => (await ticks()).length >= before + 2, `ticks run after kill ${kill}`, 60_000);
  }
  const found = await ticks();
  const [first = 0] = found;
  expect(found).toEqual(Array.from({ length: found.length }, (_, second) => first + second));
  const [schedule] = await store.database.run<{ active: string[]; last: number }>({
    text: 'SELECT active, last_scheduled_at_ms AS last FROM schedules',
  });
  expect(schedule?.active.length).toBeGreaterThanOrEqual(found.length);
}, 180_000);
