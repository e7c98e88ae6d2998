import { type PodManifest } from '#libs/pod-spec';

import { type Database } from '../connection/database.js';
import { type PodKey } from './pod-identity.js';
import { FINAL_RANK, type StoredPodPhase } from './pod-phase.js';

export type PodDesired = 'run' | 'terminate' | 'delete';

export interface PodStatusView {
  host: string;
  phase: StoredPodPhase;
  rank: number;
}

/** Who holds a claim: the value changes with every claimer, so that only the last one can give the claim back. */
export interface PodClaimView extends PodStatusView {
  claimedAtMs: number;
}

/** A pod that is not as desired. */
export interface PodWorkRow {
  key: PodKey;
  podName: string;
  namespace: string;
  desired: PodDesired;
  manifest: PodManifest;
  /** Null: no host has claimed it. */
  status: PodClaimView | null;
}

/** A pod without its manifest. */
export interface PodRow {
  key: PodKey;
  podName: string;
  namespace: string;
  bucket: number;
  desired: PodDesired;
  createdAtMs: number;
  status: (PodStatusView & { deletedAtMs: number | null }) | null;
}

/** One bucket of a workflow; also the cursor of a page. */
export interface PodBucket {
  workflow: string;
  bucket: number;
}

/**
 * LIMIT keeps the planner from joining in any other way than by one look-up per pod, whatever it believes about the tables' sizes:
 * statements are planned while they are still empty.
 */
const JOIN_STATUS = `
  FROM pods p LEFT JOIN LATERAL (
    SELECT * FROM pod_status st WHERE st.workflow = p.workflow AND st.node_id = p.node_id AND st.incarnation = p.incarnation LIMIT 1) st ON true`;

/**
 * Not as desired: to run, but not yet observed; to terminate, but not known to have ended; to delete, and a host holds it.
 * Rank 0 is a claim without any observation: the claimer may have died before or after it made the pod, so it is asked for again.
 */
const ACTIVE_WORK = `(p.desired = 'run' AND coalesce(st.phase_rank, 0) = 0 OR p.desired = 'terminate' AND coalesce(st.phase_rank, 0) < ${FINAL_RANK})`;
/** A deletion may be put off: then its change lies in the future. */
const DELETE_WORK = `(p.desired = 'delete' AND st.host IS NOT NULL AND st.deleted_at_ms IS NULL)`;
const OF_HOST = (host: string) => `(st.host IS NULL OR ${host} = '' OR st.host = ${host})`;

interface WorkRow {
  node_id: string;
  incarnation: number;
  name: string;
  namespace: string;
  desired: PodDesired;
  manifest: PodManifest;
  host: string | null;
  phase: StoredPodPhase | null;
  phase_rank: number | null;
  claimed_at_ms: number | null;
}

/** Desired pods. Inserted and changed by the scheduler's commit, read by the pod-managers. */
export class PodRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Pods of a bucket that are unclaimed or `host`'s, and not as desired; at most `limit` (default 64). */
  async readWork(bucket: PodBucket & { host: string; nowMs: number; limit?: number }): Promise<PodWorkRow[]> {
    const rows = await this.#database.run<WorkRow>({
      name: 'pods-work',
      text: `
        SELECT p.node_id, p.incarnation, p.name, p.namespace, p.desired, p.manifest, st.host, st.phase, st.phase_rank, st.claimed_at_ms ${JOIN_STATUS}
        WHERE p.workflow = $1 AND p.bucket = $2 AND ${OF_HOST('$3')} AND (${ACTIVE_WORK} OR ${DELETE_WORK} AND p.changed_at_ms <= $5)
        ORDER BY p.created_at_ms, p.node_id LIMIT $4`,
      values: [bucket.workflow, bucket.bucket, bucket.host, bucket.limit ?? 64, bucket.nowMs],
    });
    return rows.map((row) => ({
      key: { workflowUid: bucket.workflow, nodeId: row.node_id, incarnation: row.incarnation },
      podName: row.name,
      namespace: row.namespace,
      desired: row.desired,
      manifest: row.manifest,
      status:
        row.host === null
          ? null
          : { host: row.host, phase: row.phase ?? 'Claimed', rank: row.phase_rank ?? 0, claimedAtMs: row.claimed_at_ms ?? 0 },
    }));
  }

  /** Buckets that have had work for `host` since before `overdueBeforeMs`, in key order after `after`. For the sweeper. */
  async duePage(query: { after?: PodBucket; overdueBeforeMs: number; host: string; limit: number }): Promise<PodBucket[]> {
    const condition = `(p.workflow, p.bucket) > ($1, $2) AND p.changed_at_ms <= $3 AND ${OF_HOST('$4')}`;
    return this.#database.run<PodBucket>({
      name: 'pods-due',
      text: `
        (SELECT DISTINCT p.workflow, p.bucket::integer AS bucket ${JOIN_STATUS}
          WHERE p.desired <> 'delete' AND ${condition} AND ${ACTIVE_WORK} ORDER BY 1, 2 LIMIT $5)
        UNION
        (SELECT DISTINCT p.workflow, p.bucket::integer AS bucket FROM pod_status st CROSS JOIN LATERAL (
            SELECT * FROM pods p WHERE st.workflow = p.workflow AND st.node_id = p.node_id AND st.incarnation = p.incarnation LIMIT 1) p
          WHERE st.deleted_at_ms IS NULL AND ${condition} AND ${DELETE_WORK} ORDER BY 1, 2 LIMIT $5)
        ORDER BY 1, 2 LIMIT $5`,
      values: [query.after?.workflow ?? '', query.after?.bucket ?? -1, query.overdueBeforeMs, query.host, query.limit],
    });
  }

  /** All pods of a workflow, without manifests. */
  async listOfWorkflow(workflow: string): Promise<PodRow[]> {
    const rows = await this.#database.run<WorkRow & { bucket: number; created_at_ms: number; deleted_at_ms: number | null }>({
      name: 'pods-of-workflow',
      text: `
        SELECT p.node_id, p.incarnation, p.name, p.namespace, p.bucket, p.desired, p.created_at_ms, st.host, st.phase, st.phase_rank, st.deleted_at_ms
        ${JOIN_STATUS} WHERE p.workflow = $1 ORDER BY p.created_at_ms, p.node_id, p.incarnation`,
      values: [workflow],
    });
    return rows.map((row) => ({
      key: { workflowUid: workflow, nodeId: row.node_id, incarnation: row.incarnation },
      podName: row.name,
      namespace: row.namespace,
      bucket: row.bucket,
      desired: row.desired,
      createdAtMs: row.created_at_ms,
      status:
        row.host === null
          ? null
          : { host: row.host, phase: row.phase ?? 'Claimed', rank: row.phase_rank ?? 0, deletedAtMs: row.deleted_at_ms },
    }));
  }

  /** Which hosts hold the rows of these order ids, the latest incarnation of each; ids that no host holds are left out. */
  async hostsOf(workflow: string, nodeIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.#database.run<{ node_id: string; host: string }>({
      name: 'pods-hosts',
      text: 'SELECT node_id, host FROM pod_status WHERE workflow = $1 AND node_id = ANY($2) ORDER BY incarnation',
      values: [workflow, [...nodeIds]],
    });
    return new Map(rows.map((row) => [row.node_id, row.host]));
  }

  async getManifest(key: PodKey): Promise<PodManifest | undefined> {
    const rows = await this.#database.run<{ manifest: PodManifest }>({
      name: 'pods-manifest',
      text: 'SELECT manifest FROM pods WHERE workflow = $1 AND node_id = $2 AND incarnation = $3',
      values: [key.workflowUid, key.nodeId, key.incarnation],
    });
    return rows[0]?.manifest;
  }

  /** Removes rows of pods that were desired gone and went before `deletedBeforeMs`; returns how many. The scheduler's, like every change here. */
  async purgeDeleted(options: { deletedBeforeMs: number; limit: number }): Promise<number> {
    const rows = await this.#database.run({
      name: 'pods-purge',
      text: `
        WITH gone AS (
          SELECT p.workflow, p.node_id, p.incarnation FROM pod_status st JOIN pods p USING (workflow, node_id, incarnation)
          WHERE st.deleted_at_ms <= $1 AND p.desired = 'delete' LIMIT $2 FOR UPDATE OF p, st SKIP LOCKED
        ), status AS (
          DELETE FROM pod_status st USING gone g
          WHERE st.workflow = g.workflow AND st.node_id = g.node_id AND st.incarnation = g.incarnation
        )
        DELETE FROM pods p USING gone g
        WHERE p.workflow = g.workflow AND p.node_id = g.node_id AND p.incarnation = g.incarnation RETURNING 1`,
      values: [options.deletedBeforeMs, options.limit],
    });
    return rows.length;
  }
}
