import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresTemplate, type TestDatabase } from '#libs/testing';
import { createStore, type Store } from '../store.js';
import { MIGRATIONS } from './catalogue.js';

const TABLES = ['workflows', 'workflow_state', 'workflow_nodes'];
const clock = { nowMs: () => 5 };
const releases = MIGRATIONS.slice(0, -1).map(({ id, name }) => ({ id, name }));

/** What a program sees of the one workflow that runs. */
const seen = async (store: Store): Promise<unknown> => ({
  submitted: await store.workflows.getByName('lab', 'running'),
  byPhase: await store.workflows.countByPhase(),
  state: await store.workflowState.load('running'),
});

/** A database as programs of the release with the migration `id` have left it, with their rows. */
const leftBy = async (id: number, rows: Readonly<Record<string, object[]>>): Promise<TestDatabase> => {
  const database = await postgresTemplate();
  const client = new pg.Client(database.connection);
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await client.query(
    'CREATE TABLE argosy_migrations (id integer PRIMARY KEY, name text NOT NULL, applied_at_ms bigint NOT NULL)',
  );
  for (const migration of MIGRATIONS.filter((each) => each.id <= id)) {
    await client.query(migration.sql);
    await client.query('INSERT INTO argosy_migrations VALUES ($1, $2, 1)', [migration.id, migration.name]);
  }
  for (const [table, kept] of Object.entries(rows)) {
    const found = await client.query<{ column_name: string }>(
      `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
      [table],
    );
    const columns = found.rows.map(({ column_name: name }) => name).join(', ');
    for (const row of kept)
      await client.query(`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_record(NULL::${table}, $1)`, [
        JSON.stringify(row),
      ]);
  }
  await client.end();
  return database;
};

describe('a database of an older release', () => {
  let newest: TestDatabase;
  let expected: unknown;
  const rows: Record<string, object[]> = {};

  beforeAll(async () => {
    newest = await postgresTemplate();
    const store = createStore({ connection: newest.connection, clock });
    const metadata = { uid: 'running', namespace: 'lab', name: 'running', labels: { team: 'a' }, annotations: { said: 'so' } };
    await store.workflows.insert({ submitted: { metadata, spec: { entrypoint: 'main' } }, createdAtMs: 1 });
    await store.workflowState.commit({
      ...{ uid: 'running', expectedVersion: 0, nowMs: 2 },
      header: {
        engineLevel: 1,
        status: { phase: 'Running', progress: '0/1' },
        labels: { team: 'a' },
        annotations: { said: 'so' },
        internal: {},
      },
      nodes: [{ id: 'n', parents: [], ordinal: 0, status: { id: 'n', name: 'n', type: 'Pod', phase: 'Running' } }],
    });
    expected = await seen(store);
    for (const table of TABLES) {
      const found = await store.database.run<{ row: object }>({ text: `SELECT to_json(t) AS row FROM ${table} t` });
      rows[table] = found.map(({ row }) => row);
    }
    await store.close();
  });
  afterAll(() => newest?.drop());

  it.each(releases)('of $name is brought up with its workflows in it, and they go on', async ({ id }) => {
    const database = await leftBy(id, rows);
    const store = createStore({ connection: database.connection, clock });
    try {
      expect(await store.health()).toEqual({ ready: true });
      expect(await seen(store)).toEqual(expected);
      const done = await store.database.run({ text: 'SELECT id FROM argosy_migrations ORDER BY id' });
      expect(done).toEqual(MIGRATIONS.map((migration) => ({ id: migration.id })));
    } finally {
      await store.close();
      await database.drop();
    }
  });
});
