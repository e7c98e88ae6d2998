import { bigint, bigserial, boolean, integer, json, pgTable, primaryKey, text, varchar } from '../connection/drizzle.js';

const ms = (name: string) => bigint(name, { mode: 'number' });

/** Every lock that somebody has asked for: its row is locked before anything about the lock is changed. Only the scheduler writes. */
export const lockLimits = pgTable('lock_limits', {
  name: text('name').primaryKey(),
  sizeLimit: ms('size_limit').notNull(),
  source: json('source'),
  changedAtMs: ms('changed_at_ms').notNull(),
});

/** Who holds which lock: a workflow, or ('' for the workflow itself) the node in `holder`. Only the scheduler writes. */
export const locks = pgTable(
  'locks',
  {
    name: text('name').notNull(),
    workflow: text('workflow').notNull(),
    holder: text('holder').notNull(),
    attempt: ms('attempt').notNull(),
    acquiredAtMs: ms('acquired_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.workflow, table.holder] })],
);

/** Who waits for which lock; a claim for several locks has a row for each. Only the scheduler writes. */
export const lockWaiters = pgTable(
  'lock_waiters',
  {
    name: text('name').notNull(),
    workflow: text('workflow').notNull(),
    holder: text('holder').notNull(),
    attempt: ms('attempt').notNull(),
    priority: integer('priority').notNull(),
    createdAtMs: ms('created_at_ms').notNull(),
    serial: ms('serial').notNull(),
    position: integer('position').notNull(),
    shown: text('shown').notNull(),
    kind: text('kind').notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.workflow, table.holder] })],
);

/** Workflows that run, or want to, while a limit on running workflows is in force. Only the scheduler writes. */
export const admission = pgTable('admission', {
  workflow: text('workflow').primaryKey(),
  namespace: text('namespace').notNull(),
  priority: integer('priority').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
  serial: bigserial('serial', { mode: 'number' }).notNull(),
  admitted: boolean('admitted').notNull(),
  changedAtMs: ms('changed_at_ms').notNull(),
});

/** Argo's table of limits of database semaphores, by `<namespace>/<key>`. The server writes, and people do. */
export const syncLimit = pgTable('sync_limit', {
  name: varchar('name', { length: 256 }).primaryKey(),
  sizelimit: integer('sizelimit').notNull(),
});
