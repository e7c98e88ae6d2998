import {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
} from '../connection/drizzle.js';

const ms = (name: string) => bigint(name, { mode: 'number' });

/** Workflows as submitted (cold). Written at submit; `deleted_at_ms` by the scheduler. */
export const workflows = pgTable(
  'workflows',
  {
    uid: text('uid').primaryKey(),
    namespace: text('namespace').notNull(),
    name: text('name').notNull(),
    generateName: text('generate_name').notNull(),
    labels: jsonb('labels').notNull(),
    annotations: json('annotations').notNull(),
    submitted: json('submitted').notNull(),
    instanceId: text('instance_id').notNull(),
    createdAtMs: ms('created_at_ms').notNull(),
    deletedAtMs: ms('deleted_at_ms'),
    clusterObject: boolean('cluster_object').notNull(),
  },
  (table) => [unique('workflows_namespace_name').on(table.namespace, table.name)],
);

/** What is decided about a workflow (hot), one row each. Only the scheduler updates it, and only through the version fence. */
export const workflowState = pgTable('workflow_state', {
  uid: text('uid').primaryKey(),
  /** Rises by one with every commit: the fence. */
  version: ms('version').notNull(),
  /** The last version in which something that readers see changed. */
  visibleVersion: ms('visible_version').notNull(),
  /** From one sequence for all workflows: what readers see as resourceVersion. */
  revision: ms('revision').notNull(),
  /** Rises when the tree was rebuilt: caches are dropped. */
  treeEpoch: integer('tree_epoch').notNull(),
  /** The last version in which a node changed. */
  nodeRevision: ms('node_revision').notNull(),
  engineLevel: integer('engine_level').notNull(),
  phase: text('phase').notNull(),
  message: text('message').notNull(),
  progress: text('progress').notNull(),
  /** What stands over the submitted ones; null in it: taken off. */
  labels: jsonb('labels').notNull(),
  annotations: jsonb('annotations'),
  startedAtMs: ms('started_at_ms'),
  finishedAtMs: ms('finished_at_ms'),
  completed: boolean('completed').notNull(),
  nextWakeAtMs: ms('next_wake_at_ms'),
  expiresAtMs: ms('expires_at_ms'),
  updatedAtMs: ms('updated_at_ms').notNull(),
  header: json('header'),
});

/** Nodes by id; `revision` is the workflow's version in which the node last changed, a removed one leaves a tombstone. */
export const workflowNodes = pgTable(
  'workflow_nodes',
  {
    workflow: text('workflow').notNull(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    type: text('type').notNull(),
    phase: text('phase').notNull(),
    boundaryId: text('boundary_id').notNull(),
    parents: text('parents').array().notNull(),
    ordinal: integer('ordinal').notNull(),
    revision: ms('revision').notNull(),
    tombstone: boolean('tombstone').notNull(),
    body: json('body'),
  },
  (table) => [
    primaryKey({ columns: [table.workflow, table.id] }),
    index('workflow_nodes_by_revision').on(table.workflow, table.revision),
  ],
);

/** What others tell the scheduler about a workflow; inserted by many, deleted by the commit that took it over. No foreign key. */
export const workflowInbox = pgTable('workflow_inbox', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  workflow: text('workflow').notNull(),
  kind: text('kind').notNull(),
  subject: text('subject').notNull(),
  body: json('body').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
});

/** Requests that have to be answered: inserted by the server, the outcome is filled in by the scheduler's commit. */
export const workflowRequests = pgTable('workflow_requests', {
  requestId: text('request_id').primaryKey(),
  workflow: text('workflow').notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
  answeredAtMs: ms('answered_at_ms'),
  outcome: json('outcome'),
});

/** Work that a commit hands to a later service; inserted by the scheduler, deleted by the service that did it. */
export const handoffs = pgTable(
  'handoffs',
  {
    queue: text('queue').notNull(),
    workflow: text('workflow').notNull(),
    version: ms('version').notNull(),
    requestedAtMs: ms('requested_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.queue, table.workflow, table.version] })],
);
