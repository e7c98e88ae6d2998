import { json, jsonb, integer, pgTable, primaryKey, timestamp, varchar } from '../connection/drizzle.js';

/** Offloaded node statuses; Argo's table. */
export const offloadedNodes = pgTable(
  'argo_workflows',
  {
    uid: varchar('uid', { length: 128 }).notNull(),
    namespace: varchar('namespace', { length: 256 }).notNull(),
    createdAt: timestamp('creationtimestamp'),
    clusterName: varchar('clustername', { length: 64 }).notNull(),
    version: varchar('version', { length: 64 }).notNull(),
    nodes: json('nodes').notNull(),
    updatedAt: timestamp('updatedat').notNull(),
  },
  (table) => [primaryKey({ columns: [table.clusterName, table.uid, table.version] })],
);

/** The archive; Argo's table. */
export const archivedWorkflows = pgTable(
  'argo_archived_workflows',
  {
    uid: varchar('uid', { length: 128 }).notNull(),
    name: varchar('name', { length: 256 }).notNull(),
    phase: varchar('phase', { length: 25 }).notNull(),
    namespace: varchar('namespace', { length: 256 }).notNull(),
    workflow: jsonb('workflow').notNull(),
    startedAt: timestamp('startedat').notNull(),
    finishedAt: timestamp('finishedat').notNull(),
    clusterName: varchar('clustername', { length: 64 }).notNull(),
    instanceId: varchar('instanceid', { length: 64 }).notNull(),
    createdAt: timestamp('creationtimestamp'),
  },
  (table) => [primaryKey({ columns: [table.clusterName, table.uid] })],
);

/** Labels of archived workflows; Argo's table. */
export const archivedLabels = pgTable(
  'argo_archived_workflows_labels',
  {
    clusterName: varchar('clustername', { length: 64 }).notNull(),
    uid: varchar('uid', { length: 128 }).notNull(),
    name: varchar('name', { length: 317 }).notNull(),
    value: varchar('value', { length: 63 }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.clusterName, table.uid, table.name] })],
);

/** How far Argo's tables are; Argo's table. */
export const schemaHistory = pgTable('schema_history', { schemaVersion: integer('schema_version').primaryKey() });
