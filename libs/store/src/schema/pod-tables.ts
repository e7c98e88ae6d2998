import { bigint, boolean, integer, json, pgTable, primaryKey, smallint, text } from '../connection/drizzle.js';

const ms = (name: string) => bigint(name, { mode: 'number' });

/** Pods as desired; only the scheduler writes. */
export const pods = pgTable(
  'pods',
  {
    workflow: text('workflow').notNull(),
    nodeId: text('node_id').notNull(),
    incarnation: integer('incarnation').notNull(),
    name: text('name').notNull(),
    namespace: text('namespace').notNull(),
    bucket: smallint('bucket').notNull(),
    desired: text('desired').notNull(),
    manifest: json('manifest').notNull(),
    createdAtMs: ms('created_at_ms').notNull(),
    changedAtMs: ms('changed_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workflow, table.nodeId, table.incarnation] })],
);

/** Pods as observed; only the pod-manager that claimed a pod writes its row. */
export const podStatus = pgTable(
  'pod_status',
  {
    workflow: text('workflow').notNull(),
    nodeId: text('node_id').notNull(),
    incarnation: integer('incarnation').notNull(),
    host: text('host').notNull(),
    phase: text('phase').notNull(),
    phaseRank: smallint('phase_rank').notNull(),
    observed: json('observed'),
    claimedAtMs: ms('claimed_at_ms').notNull(),
    updatedAtMs: ms('updated_at_ms').notNull(),
    deletedAtMs: ms('deleted_at_ms'),
  },
  (table) => [primaryKey({ columns: [table.workflow, table.nodeId, table.incarnation] })],
);

/** Programs that run pods; each writes its own row. */
export const podHosts = pgTable('pod_hosts', {
  host: text('host').primaryKey(),
  url: text('url').notNull(),
  runtime: text('runtime').notNull(),
  abilities: json('abilities'),
  seenAtMs: ms('seen_at_ms').notNull(),
});

/** Logs on their way to the object store; only the pod-managers write. */
export const logShipments = pgTable(
  'log_shipments',
  {
    workflow: text('workflow').notNull(),
    nodeId: text('node_id').notNull(),
    incarnation: integer('incarnation').notNull(),
    host: text('host').notNull(),
    namespace: text('namespace').notNull(),
    logs: json('logs').notNull(),
    state: text('state').notNull(),
    attempts: integer('attempts').notNull(),
    lastError: text('last_error'),
    begunAtMs: ms('begun_at_ms').notNull(),
    nextTryAtMs: ms('next_try_at_ms').notNull(),
  },
  (table) => [primaryKey({ columns: [table.workflow, table.nodeId, table.incarnation] })],
);

/** Replicas that share the pods of a host; each writes its own row. */
export const podShardHolders = pgTable(
  'pod_shard_holders',
  {
    host: text('host').notNull(),
    holder: text('holder').notNull(),
    untilMs: ms('until_ms').notNull(),
    leaving: boolean('leaving').notNull(),
  },
  (table) => [primaryKey({ columns: [table.host, table.holder] })],
);

/** Who follows which part of the pods of a host; only its pod-managers write. */
export const podShards = pgTable(
  'pod_shards',
  {
    host: text('host').notNull(),
    shard: smallint('shard').notNull(),
    holder: text('holder').notNull(),
    heir: text('heir').notNull(),
  },
  (table) => [primaryKey({ columns: [table.host, table.shard] })],
);
