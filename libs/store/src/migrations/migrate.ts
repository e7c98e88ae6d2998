import { type Clock } from '#libs/workflow-spec';

import { type Executor, type StoreLogger } from '../connection/database.js';
import { inTransaction } from '../connection/transaction.js';
import { bringUpArgoTables } from '../argo-schema/bring-up.js';
import { MIGRATIONS } from './catalogue.js';

/** Any constant: all programs of one database bring it up one after the other. */
const MIGRATION_LOCK = 727_001;
const TABLE = 'argosy_migrations';
/** Beside our own tables the mark of a workflow says which version of it is in the archive. */
const ARGO_TABLES_HERE = { dialect: 'postgres', withoutExtras: ['argosy_archive_versions'] } as const;

/**
 * Brings the schema up to date: each missing migration in its own transaction, then Argo's tables where there are none. Safe to run by
 * many programs at once and any number of times. Crash points: before a migration's COMMIT nothing of it is there; after it, the row
 * in `argosy_migrations` came with it. Migrations of a newer version are left alone: versions N and N−1 share a database.
 */
export async function migrate(connection: Executor, clock: Clock, logger?: StoreLogger): Promise<void> {
  if (!(await isCurrent(connection))) await migrateOwn(connection, clock, logger);
  await bringUpArgoTables(connection, ARGO_TABLES_HERE, logger);
}

async function migrateOwn(connection: Executor, clock: Clock, logger?: StoreLogger): Promise<void> {
  // Unlocking is needless on failure: the connection is thrown away, and the session's lock with it.
  await connection.run({ text: `SET lock_timeout = '20s'` });
  await connection.run({ text: 'SELECT pg_advisory_lock($1)', values: [MIGRATION_LOCK] });
  await applyMissing(connection, clock, logger);
  await connection.run({ text: 'SELECT pg_advisory_unlock($1)', values: [MIGRATION_LOCK] });
  await connection.run({ text: 'RESET lock_timeout' });
}

async function isCurrent(connection: Executor): Promise<boolean> {
  if (!(await tableExists(connection, TABLE))) return false;
  const done = await appliedIds(connection);
  return MIGRATIONS.every(({ id }) => done.has(id));
}

async function applyMissing(connection: Executor, clock: Clock, logger?: StoreLogger): Promise<void> {
  await connection.run({
    text: `CREATE TABLE IF NOT EXISTS ${TABLE} (id integer PRIMARY KEY, name text NOT NULL, applied_at_ms bigint NOT NULL)`,
  });
  const done = await appliedIds(connection);
  for (const migration of MIGRATIONS.filter(({ id }) => !done.has(id))) {
    await inTransaction(connection, async () => {
      await connection.run({ text: migration.sql });
      await connection.run({
        text: `INSERT INTO ${TABLE} (id, name, applied_at_ms) VALUES ($1, $2, $3)`,
        values: [migration.id, migration.name, clock.nowMs()],
      });
    });
    logger?.info('database migration applied', { migration: migration.name });
  }
}

async function appliedIds(connection: Executor): Promise<Set<number>> {
  const rows = await connection.run<{ id: number }>({ text: `SELECT id FROM ${TABLE}` });
  return new Set(rows.map(({ id }) => id));
}

async function tableExists(connection: Executor, table: string): Promise<boolean> {
  const rows = await connection.run<{ found: boolean }>({ text: 'SELECT to_regclass($1) IS NOT NULL AS found', values: [table] });
  return rows[0]?.found ?? false;
}
