import { type ChangeFeed } from '../changes/change-feed.js';
import { type Database, type Executor } from '../connection/database.js';

/** `more`: call again at once; `waiting-…`: something else has to happen first; `gone`: nothing of the workflow is left. */
export type DeletionStep = 'waiting-pods' | 'waiting-archive' | 'waiting-gc' | 'more' | 'gone';

export interface DeletionOptions {
  nowMs: number;
  /** Longest time that pods, archive and artifact GC may hold a deletion, counted from when it was asked for; default 10 minutes. */
  longestWaitMs?: number;
}

const DEFAULT_WAIT_MS = 600_000;
const NODE_BATCH = 2000;

/** Removes workflows whose time has come, a step at a time. Used by the scheduler only. */
export class RetentionRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  /** Finished workflows whose TTL has passed and that wait for no archive, soonest first. */
  async dueTtl(query: { nowMs: number; limit: number }): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'retention-due',
      text: `
        SELECT s.uid FROM workflow_state s JOIN workflows w ON w.uid = s.uid
        WHERE s.expires_at_ms <= $1 AND s.completed AND w.deleted_at_ms IS NULL
          AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'archive' AND h.workflow = s.uid)
        ORDER BY s.expires_at_ms LIMIT $2`,
      values: [query.nowMs, query.limit],
    });
    return rows.map(({ uid }) => uid);
  }

  /** Finished workflows of one phase beyond the `keep` that ended last, and that wait for no archive: Argo's retention policy. */
  async beyondRetention(query: { phase: string; keep: number; instanceId: string; limit: number }): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'retention-beyond',
      text: `
        SELECT uid FROM (
          SELECT s.uid FROM workflow_state s JOIN workflows w ON w.uid = s.uid
          WHERE s.completed AND s.phase = $1 AND w.instance_id = $2 AND w.deleted_at_ms IS NULL
          ORDER BY s.finished_at_ms DESC, w.created_at_ms DESC, s.uid OFFSET $3 LIMIT $4) ended
        WHERE NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'archive' AND h.workflow = ended.uid)`,
      values: [query.phase, query.instanceId, query.keep, query.limit],
    });
    return rows.map(({ uid }) => uid);
  }

  /** Asks for deletion and hands the workflow to artifact GC; false where there is no such workflow or it was asked before. */
  async markDeleted(uid: string, nowMs: number): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'retention-mark',
      text: `
        WITH marked AS (UPDATE workflows SET deleted_at_ms = $2 WHERE uid = $1 AND deleted_at_ms IS NULL RETURNING uid)
        INSERT INTO handoffs (queue, workflow, version, requested_at_ms)
        SELECT 'artifact-gc', uid, (SELECT version + 1 FROM workflow_state WHERE uid = $1), $2 FROM marked
        ON CONFLICT (queue, workflow, version) DO UPDATE SET requested_at_ms = excluded.requested_at_ms RETURNING workflow`,
      values: [uid, nowMs],
    });
    if (rows.length > 0) this.#changes.publish({ uid, type: 'changed' });
    return rows.length > 0;
  }

  /** Uids of workflows to be deleted, in key order. */
  async deletionPage(query: { after?: string; limit: number }): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'retention-page',
      text: 'SELECT uid FROM workflows WHERE deleted_at_ms IS NOT NULL AND uid > $1 ORDER BY uid LIMIT $2',
      values: [query.after ?? '', query.limit],
    });
    return rows.map(({ uid }) => uid);
  }

  /**
   * One step of a deletion: pods, record, archive mark, GC rows, then the workflow's own rows last. Every step can be repeated and
   * finds where the last one stopped; before the last step the workflow can still be read.
   */
  async step(uid: string, options: DeletionOptions): Promise<DeletionStep> {
    const rows = await this.#database.run<{ deleted_at_ms: number | null }>({
      text: 'SELECT deleted_at_ms FROM workflows WHERE uid = $1',
      values: [uid],
    });
    const deletedAtMs = rows[0]?.deleted_at_ms;
    if (!rows[0]) return 'gone';
    if (deletedAtMs === null || deletedAtMs === undefined) return 'waiting-pods';
    const patient = options.nowMs - deletedAtMs < (options.longestWaitMs ?? DEFAULT_WAIT_MS);
    const waiting = await this.#prepare(uid, options.nowMs);
    if (patient && waiting) return waiting;
    return (await this.#deleteBatch(uid)) ? 'more' : this.#deleteLast(uid);
  }

  async #prepare(uid: string, nowMs: number): Promise<DeletionStep | undefined> {
    await this.#database.run({
      name: 'retention-pods',
      text: `
        UPDATE pods SET desired = 'delete', changed_at_ms = $2
        WHERE (workflow, node_id, incarnation) IN (${podsInOrder('pods', `AND (desired <> 'delete' OR changed_at_ms > $2)`)})`,
      values: [uid, nowMs],
    });
    const rows = await this.#database.run<{ pods: boolean; archive: boolean; gc: boolean }>({
      name: 'retention-waits',
      text: `
        SELECT EXISTS (SELECT 1 FROM pod_status WHERE workflow = $1 AND deleted_at_ms IS NULL) AS pods,
          EXISTS (SELECT 1 FROM handoffs WHERE queue = 'archive' AND workflow = $1) AS archive,
          NOT EXISTS (SELECT 1 FROM artifact_gc_plans WHERE strategy = 'OnWorkflowDeletion' AND workflow = $1) AS gc`,
      values: [uid],
    });
    if (rows[0]?.pods) return 'waiting-pods';
    if (rows[0]?.archive) return 'waiting-archive';
    return rows[0]?.gc ? 'waiting-gc' : undefined;
  }

  /** True where a full batch was deleted, so more are left. No decision writes nodes meanwhile. */
  async #deleteBatch(uid: string): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'retention-batch',
      text: `
        DELETE FROM workflow_nodes n USING (SELECT uid FROM workflow_state WHERE uid = $1 FOR UPDATE) s
        WHERE n.workflow = s.uid AND n.id IN (SELECT id FROM workflow_nodes WHERE workflow = $1 LIMIT ${NODE_BATCH}) RETURNING 1`,
      values: [uid],
    });
    return rows.length === NODE_BATCH;
  }

  /**
   * The workflow's row is locked first, as by whoever writes a record; where it has gone, somebody else was quicker. The state row goes first:
   * from then on no commit can add anything. The workflow's row goes last: until then the deletion is found again.
   */
  async #deleteLast(uid: string): Promise<DeletionStep> {
    const removed = await this.#database.transaction(async (tx) => {
      const there = await tx.run({ text: 'SELECT 1 FROM workflows WHERE uid = $1 FOR UPDATE', values: [uid] });
      if (there.length === 0) return [];
      await deleteWhere(tx, 'workflow_state', 'uid', uid);
      for (const table of ['pods', 'pod_status'] as const) {
        const text = `DELETE FROM ${table} WHERE (workflow, node_id, incarnation) IN (${podsInOrder(table)})`;
        await tx.run({ text, values: [uid] });
      }
      for (const table of [
        'record_marks',
        'archive_marks',
        'artifact_gc_plans',
        'handoffs',
        'workflow_requests',
        'workflow_inbox',
        'admission',
        'workflow_nodes',
      ]) {
        await deleteWhere(tx, table, 'workflow', uid);
      }
      await deleteWhere(tx, 'argo_workflows', 'uid', uid);
      await tx.run({ text: `DELETE FROM resources WHERE uid = $1`, values: [uid] });
      await tx.run({
        text: `
          DELETE FROM artifact_deletions WHERE id IN (
            SELECT id FROM artifact_deletions WHERE workflow = $1 AND state <> 'pending' ORDER BY id FOR UPDATE)`,
        values: [uid],
      });
      return tx.run<{ namespace: string; name: string }>({
        text: 'DELETE FROM workflows WHERE uid = $1 RETURNING namespace, name',
        values: [uid],
      });
    });
    const row = removed[0];
    if (row) this.#changes.publish({ uid, type: 'deleted', namespace: row.namespace, name: row.name });
    return 'gone';
  }
}

/** Locks rows of the pods of workflow `$1` in the order in which pod-managers do (`byKey`). */
const podsInOrder = (table: 'pods' | 'pod_status', condition = ''): string => `
  SELECT workflow, node_id, incarnation FROM ${table} WHERE workflow = $1 ${condition} ORDER BY node_id COLLATE "C", incarnation FOR UPDATE`;

async function deleteWhere(tx: Executor, table: string, column: string, uid: string): Promise<void> {
  await tx.run({ text: `DELETE FROM ${table} WHERE ${column} = $1`, values: [uid] });
}
