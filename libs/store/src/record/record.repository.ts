import { type NodeStatus } from '#libs/workflow-spec';

import { type Database } from '../connection/database.js';
import { type EncodedRecord, type RecordEncoding } from './record-codec.js';

/** How far the record of a workflow is. */
export interface RecordMark {
  /** The visible version that it shows. */
  version: number;
  encoding: RecordEncoding;
  /** What making it took; the next one is worth its while only after a multiple of this. */
  costMs: number;
  recordedAtMs: number;
}

/** What a record is to be compared with. */
export interface RecordStanding {
  stateVersion: number;
  visibleVersion: number;
  completed: boolean;
  createdAtMs: number;
  /** Absent where there is no record yet. */
  mark?: RecordMark;
}

export interface RecordWrite {
  workflow: { uid: string; namespace: string; name: string };
  /** The visible version that the record shows. */
  version: number;
  labels: Record<string, string>;
  record: EncodedRecord;
  costMs: number;
  nowMs: number;
  /** The offloaded nodes were written to another database already (OffloadTable); the record only names their version. */
  nodesElsewhere?: boolean;
}

export interface RecordRepositoryOptions {
  /** Column `clustername` of Argo's table, as it is now; default `default`. */
  clusterName?: string | (() => string);
}

/**
 * The mark is the compare-and-set: only a newer version passes, everything else follows from it. A record can always be made again from
 * the rows, and the handoff goes in the same transaction, so the commit need not wait for the disk.
 */
const WRITE_SQL = `
WITH marked AS (
  INSERT INTO record_marks AS m (workflow, version, encoding, offload_version, cost_ms, recorded_at_ms)
  SELECT w.uid, $2, $3, $4, $5, $6 FROM workflows w WHERE w.uid = $1 FOR KEY SHARE
  ON CONFLICT (workflow) DO UPDATE
    SET version = excluded.version, encoding = excluded.encoding, offload_version = excluded.offload_version,
      cost_ms = excluded.cost_ms, recorded_at_ms = excluded.recorded_at_ms
    WHERE m.version < excluded.version
  RETURNING workflow
), next AS (
  UPDATE resource_counter c SET version = c.version + 1 FROM marked WHERE c.id = 1 RETURNING c.version
), recorded AS (
  INSERT INTO resources (uid, kind, namespace, name, version, created_version, labels, body, changed_at_ms)
  SELECT $1, 'Workflow', $7, $8, next.version, next.version, $9::jsonb, $10::json, $6 FROM next
  ON CONFLICT (uid) DO UPDATE SET version = excluded.version, labels = excluded.labels, body = excluded.body, changed_at_ms = excluded.changed_at_ms
), offloaded AS (
  INSERT INTO argo_workflows (uid, namespace, clustername, version, nodes, creationtimestamp, updatedat)
  SELECT $1, $7, $11, $4, $12::json, $13::timestamp, $13::timestamp FROM marked WHERE $12::text IS NOT NULL
  ON CONFLICT (clustername, uid, version) DO UPDATE SET updatedat = excluded.updatedat
), done AS (
  DELETE FROM handoffs WHERE queue = 'record' AND workflow = $1 AND version <= $2
)
SELECT set_config('synchronous_commit', 'off', true), (SELECT count(*) FROM marked) AS written`;

const OFFLOADED_HERE = `
  SELECT 1 FROM argo_workflows a WHERE a.clustername = $3 AND a.uid = m.workflow AND a.version = m.offload_version`;
const OFFLOADED_THERE = `
  SELECT 1 FROM offload_notes n WHERE n.place = $3 AND n.workflow = m.workflow AND n.version = m.offload_version`;

/** Public records and offloaded node statuses. Written by the offloader only. */
export class RecordRepository {
  readonly #database: Database;
  readonly #clusterName: () => string;

  constructor(database: Database, options: RecordRepositoryOptions = {}) {
    this.#database = database;
    const { clusterName = 'default' } = options;
    this.#clusterName = typeof clusterName === 'string' ? () => clusterName : clusterName;
  }

  /** How far workflow and record are, in one small read; undefined where there is no such workflow. */
  async standing(uid: string): Promise<RecordStanding | undefined> {
    const rows = await this.#database.run<Omit<RecordStanding, 'mark'> & RecordMark>({
      name: 'record-standing',
      text: `
        SELECT s.version AS "stateVersion", s.visible_version AS "visibleVersion", s.completed, w.created_at_ms AS "createdAtMs",
          m.version, m.encoding, m.cost_ms AS "costMs", m.recorded_at_ms AS "recordedAtMs"
        FROM workflow_state s JOIN workflows w ON w.uid = s.uid LEFT JOIN record_marks m ON m.workflow = s.uid WHERE s.uid = $1`,
      values: [uid],
    });
    const row = rows[0];
    if (!row) return undefined;
    const { stateVersion, visibleVersion, completed, createdAtMs, ...mark } = row;
    return {
      stateVersion,
      visibleVersion,
      completed,
      createdAtMs,
      ...((mark.version as number | null) === null ? {} : { mark }),
    };
  }

  /** `stale`: a record of this version or a newer one is there already, or the workflow is gone; nothing was written. */
  async write({ workflow, version, labels, record, costMs, nowMs, nodesElsewhere }: RecordWrite): Promise<'written' | 'stale'> {
    const rows = await this.#database.run<{ written: number }>({
      name: 'record-write',
      text: WRITE_SQL,
      values: [
        workflow.uid,
        version,
        record.encoding,
        record.offload?.version ?? '',
        Math.round(costMs),
        nowMs,
        workflow.namespace,
        workflow.name,
        JSON.stringify(labels),
        record.body,
        this.#clusterName(),
        nodesElsewhere ? null : (record.offload?.nodes ?? null),
        new Date(nowMs).toISOString().slice(0, -1),
      ],
    });
    return rows[0]?.written === 1 ? 'written' : 'stale';
  }

  /**
   * Records whose nodes are not where they belong by now (left out, or offloaded to another place) count as never made, so that they
   * are made again; gives the uids of their workflows. `place` as in `offload_notes`; undefined: beside our own tables. To be called
   * when nodes may be offloaded.
   */
  async reopenMisplaced(place: string | undefined, limit: number, nowMs: number): Promise<string[]> {
    const rows = await this.#database.run<{ workflow: string }>({
      name: place === undefined ? 'record-reopen-here' : 'record-reopen-there',
      text: `
        WITH reopened AS (
          UPDATE record_marks SET version = -1, encoding = 'inline' WHERE workflow IN (
            SELECT m.workflow FROM record_marks m WHERE m.encoding IN ('omitted', 'offloaded')
              AND (m.encoding = 'omitted' OR NOT EXISTS (${place === undefined ? OFFLOADED_HERE : OFFLOADED_THERE})) LIMIT $1
            FOR UPDATE OF m SKIP LOCKED)
          RETURNING workflow
        ), handed AS (
          INSERT INTO handoffs (queue, workflow, version, requested_at_ms)
          SELECT 'record', s.uid, s.version, $2 FROM workflow_state s JOIN reopened r ON r.workflow = s.uid ON CONFLICT DO NOTHING
        )
        SELECT workflow FROM reopened`,
      values: [limit, nowMs, place ?? this.#clusterName()],
    });
    return rows.map(({ workflow }) => workflow);
  }

  /** The nodes of an offloaded version; undefined where there is no such row. */
  async readOffloaded(uid: string, version: string): Promise<Record<string, NodeStatus> | undefined> {
    const rows = await this.#database.run<{ nodes: Record<string, NodeStatus> }>({
      name: 'record-offloaded',
      text: 'SELECT nodes FROM argo_workflows WHERE clustername = $1 AND uid = $2 AND version = $3',
      values: [this.#clusterName(), uid, version],
    });
    return rows[0]?.nodes;
  }

  /**
   * Drops offloaded versions beside our own tables that no record names and that were last written before `beforeMs`; gives how many. What is
   * just being written is passed over.
   * Those of workflows that are none of ours stay, as another controller may have written them; those of a deleted one went with it.
   */
  async pruneOffloaded(beforeMs: number, limit: number): Promise<number> {
    const rows = await this.#database.run({
      name: 'record-prune',
      text: `
        DELETE FROM argo_workflows WHERE (clustername, uid, version) IN (
          SELECT a.clustername, a.uid, a.version FROM argo_workflows a JOIN workflows w ON w.uid = a.uid
          LEFT JOIN record_marks m ON m.workflow = a.uid AND m.offload_version = a.version
          WHERE a.clustername = $1 AND a.updatedat < $2::timestamp AND m.workflow IS NULL LIMIT $3
          FOR UPDATE OF a SKIP LOCKED) RETURNING 1`,
      values: [this.#clusterName(), new Date(beforeMs).toISOString().slice(0, -1), limit],
    });
    return rows.length;
  }
}
