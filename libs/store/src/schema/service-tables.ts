import { bigint, bigserial, boolean, integer, json, jsonb, pgTable, primaryKey, text } from '../connection/drizzle.js';

const ms = (name: string) => bigint(name, { mode: 'number' });

/** How far public records are; only the offloader writes. */
export const recordMarks = pgTable('record_marks', {
  workflow: text('workflow').primaryKey(),
  version: ms('version').notNull(),
  encoding: text('encoding').notNull(),
  offloadVersion: text('offload_version').notNull(),
  costMs: integer('cost_ms').notNull(),
  recordedAtMs: ms('recorded_at_ms').notNull(),
});

/** Offloaded nodes written to a database other than this one; only the offloader writes. */
export const offloadNotes = pgTable(
  'offload_notes',
  {
    place: text('place').notNull(),
    workflow: text('workflow').notNull(),
    version: text('version').notNull(),
    writtenAtMs: ms('written_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.place, table.workflow, table.version] })],
);

/** Which ends of workflows are in the archive; only the archiver writes. */
export const archiveMarks = pgTable('archive_marks', {
  workflow: text('workflow').primaryKey(),
  version: ms('version').notNull(),
  archived: boolean('archived').notNull(),
  archivedAtMs: ms('archived_at_ms').notNull(),
});

/** Which workflows' deletions have been listed in full; only artifact-gc writes. */
export const artifactGcPlans = pgTable(
  'artifact_gc_plans',
  {
    workflow: text('workflow').notNull(),
    strategy: text('strategy').notNull(),
    plannedAtMs: ms('planned_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workflow, table.strategy] })],
);

/** Artifacts to delete, by object; only artifact-gc writes. */
export const artifactDeletions = pgTable('artifact_deletions', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  workflow: text('workflow').notNull(),
  workflowName: text('workflow_name').notNull(),
  namespace: text('namespace').notNull(),
  nodeId: text('node_id').notNull(),
  artifactName: text('artifact_name').notNull(),
  objectId: text('object_id').notNull(),
  strategy: text('strategy').notNull(),
  location: json('location').notNull(),
  state: text('state').notNull(),
  attempts: integer('attempts').notNull(),
  lastError: text('last_error'),
  nextTryAtMs: ms('next_try_at_ms').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
  finishedAtMs: ms('finished_at_ms'),
  /** The row of the folder in which the object was found. */
  parentId: bigint('parent_id', { mode: 'number' }),
  /** The workflow said `forceFinalizerRemoval`. */
  giveUp: boolean('give_up').notNull(),
  /** Namespace whose Secrets open the object where its own has none of the name. */
  lenderNamespace: text('lender_namespace'),
});

/** Keys that the installation made for itself. */
export const installationKeys = pgTable('installation_keys', {
  name: text('name').primaryKey(),
  value: text('value').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
});

/** Schedules of CronWorkflows; only the scheduler writes. */
export const schedules = pgTable(
  'schedules',
  {
    namespace: text('namespace').notNull(),
    name: text('name').notNull(),
    uid: text('uid').notNull(),
    nextRunAtMs: ms('next_run_at_ms'),
    lastScheduledAtMs: ms('last_scheduled_at_ms'),
    body: json('body').notNull(),
    updatedAtMs: ms('updated_at_ms').notNull(),
    version: ms('version').notNull(),
    active: text('active').array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.namespace, table.name] })],
);

/** Objects other than the truth of workflows, tombstones included. */
export const resources = pgTable('resources', {
  uid: text('uid').primaryKey(),
  kind: text('kind').notNull(),
  namespace: text('namespace').notNull(),
  name: text('name').notNull(),
  version: ms('version').notNull(),
  createdVersion: ms('created_version').notNull(),
  labels: jsonb('labels').notNull(),
  body: json('body').notNull(),
  deleted: boolean('deleted').notNull(),
  changedAtMs: ms('changed_at_ms').notNull(),
});

/** One row: the version of the last change to `resources`. Its lock orders all writers. */
export const resourceCounter = pgTable('resource_counter', {
  id: integer('id').primaryKey(),
  version: ms('version').notNull(),
  compactedVersion: ms('compacted_version').notNull(),
});

/** Remembered outputs of nodes; written by the scheduler's commit. */
export const memoEntries = pgTable(
  'memo_entries',
  {
    namespace: text('namespace').notNull(),
    cache: text('cache').notNull(),
    key: text('key').notNull(),
    entry: json('entry').notNull(),
    lastHitAtMs: ms('last_hit_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.namespace, table.cache, table.key] })],
);
