import { type PodReport } from '#libs/engine';

import { type Database } from '../connection/database.js';
import { WriteBatcher } from '../connection/write-batcher.js';
import { byKey, keyColumns, keyText, type PodKey } from './pod-identity.js';
import { FINAL_RANK, podPhaseRank } from './pod-phase.js';

/** What a runtime saw of a pod: the engine's report under the pod's identity. */
export type StatusObservation = { identity: PodKey } & Omit<PodReport, 'nodeId' | 'incarnation'>;

/** A claim as one claimer holds it; `claimedAtMs` is the moment that it gave, or was given. */
export interface HeldClaim {
  identity: PodKey;
  claimedAtMs: number;
}

/** A pod that a host holds, as the table knows it. */
export interface HeldPod {
  key: PodKey;
  /** See podPhaseRank. */
  rank: number;
  /** Somebody still wants it to be there. */
  wanted: boolean;
}

export interface RecordResult {
  /** Workflows that were told something new: wake them. */
  workflows: string[];
  /** Pods that nobody desires (their row is gone, or they are of another database): the runtime may forget them. */
  unknown: PodKey[];
}

const MATCHES = (left: string, right: string) =>
  `${left}.workflow = ${right}.workflow AND ${left}.node_id = ${right}.node_id AND ${left}.incarnation = ${right}.incarnation`;

/**
 * The status row and the inbox row stand or fall together. The guard makes repeated and stale observations change nothing: a lower
 * rank is ignored, an equal one counts only while the pod has not ended and says something else.
 */
const RECORD_SQL = `
WITH seen AS (
  SELECT s.* FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::smallint[], $6::json[])
    AS s (workflow, node_id, incarnation, phase, phase_rank, observed)
), known AS (
  SELECT s.* FROM seen s CROSS JOIN LATERAL (SELECT 1 FROM pods p WHERE ${MATCHES('p', 's')} LIMIT 1) p
), recorded AS (
  INSERT INTO pod_status AS st (workflow, node_id, incarnation, host, phase, phase_rank, observed, claimed_at_ms, updated_at_ms)
  SELECT workflow, node_id, incarnation, $7, phase, phase_rank, observed, $8::bigint, $8::bigint FROM known
  ON CONFLICT (workflow, node_id, incarnation) DO UPDATE
    SET phase = excluded.phase, phase_rank = excluded.phase_rank, observed = excluded.observed, updated_at_ms = excluded.updated_at_ms
    WHERE st.phase_rank < excluded.phase_rank
      OR st.phase_rank = excluded.phase_rank AND st.phase_rank < ${FINAL_RANK} AND st.observed::text IS DISTINCT FROM excluded.observed::text
  RETURNING workflow, node_id, incarnation
), told AS (
  INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
  SELECT k.workflow, 'pod', k.node_id, k.observed, $8::bigint FROM known k JOIN recorded r ON ${MATCHES('r', 'k')}
  RETURNING workflow
)
SELECT 'told' AS what, workflow, '' AS node_id, 0 AS incarnation FROM told
UNION
SELECT 'unknown', s.workflow, s.node_id, s.incarnation FROM seen s WHERE NOT EXISTS (SELECT 1 FROM known k WHERE ${MATCHES('k', 's')})`;

/**
 * IS DISTINCT FROM keeps the planner off the partial index over all active pods of the workflow, which reads all of them.
 * A claim waits for a commit that is just changing what is desired, and then reads it anew (FOR SHARE).
 */
const CLAIM_SQL = `
WITH wanted AS (
  SELECT p.* FROM unnest($1::text[], $2::text[], $3::integer[]) AS k (workflow, node_id, incarnation) CROSS JOIN LATERAL (
    SELECT p.workflow, p.node_id, p.incarnation FROM pods p WHERE ${MATCHES('k', 'p')} AND p.desired IS DISTINCT FROM 'delete' LIMIT 1 FOR SHARE) p
)
INSERT INTO pod_status (workflow, node_id, incarnation, host, phase, phase_rank, claimed_at_ms, updated_at_ms)
SELECT workflow, node_id, incarnation, $4, 'Claimed', 0, $5, $5 FROM wanted
ON CONFLICT DO NOTHING
RETURNING workflow, node_id, incarnation, claimed_at_ms`;

interface Claim {
  identities: readonly PodKey[];
  host: string;
  nowMs: number;
  /** Filled by the statement. */
  granted: HeldClaim[];
}

/** What pods are, as far as is known. Written by the pod-managers only; each pod by the host that claimed it. */
export class PodStatusRepository {
  readonly #database: Database;
  readonly #claims = new WriteBatcher<Claim>((claims) => this.#claim(claims));
  readonly #releases = new WriteBatcher<HeldClaim>((claims) => this.#release(claims));
  readonly #deletions = new WriteBatcher<{ identities: readonly PodKey[]; nowMs: number }>((deleted) =>
    this.#markDeleted(deleted),
  );

  constructor(database: Database) {
    this.#database = database;
  }

  /** True for exactly one caller per identity. A claim outlives its claimer: the same host finds it again as work. */
  async claim(identity: PodKey, host: string, nowMs: number): Promise<boolean> {
    return (await this.claimMany([identity], host, nowMs)).length === 1;
  }

  /**
   * The claims that are `host`'s from now on; the other identities belong to another host or are not to be made any more. Calls of the same
   * moment share a statement.
   */
  async claimMany(identities: readonly PodKey[], host: string, nowMs: number): Promise<HeldClaim[]> {
    if (identities.length === 0) return [];
    const claim: Claim = { identities, host, nowMs, granted: [] };
    await this.#claims.add(claim);
    return claim.granted;
  }

  /**
   * Takes over claims of this host whose claimer may have died: those of `claims` that nobody took, gave back or observed since they were
   * read. The former claimer can then no longer give them back. Answers the claims as they are now held.
   */
  async takeOverClaims(claims: readonly HeldClaim[], host: string, nowMs: number): Promise<HeldClaim[]> {
    if (claims.length === 0) return [];
    const sorted = [...claims].sort((left, right) => byKey(left.identity, right.identity));
    const rows = await this.#database.run<ClaimRow>({
      name: 'pod-claim-over',
      text: `
        UPDATE pod_status st SET claimed_at_ms = greatest($6::bigint, st.claimed_at_ms + 1), updated_at_ms = $6::bigint
        FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) AS k (workflow, node_id, incarnation, claimed_at_ms)
        WHERE ${MATCHES('k', 'st')} AND st.host = $5 AND st.phase_rank = 0 AND st.claimed_at_ms = k.claimed_at_ms
        RETURNING st.workflow, st.node_id, st.incarnation, st.claimed_at_ms`,
      values: [...claimColumns(sorted), host, nowMs],
    });
    return rows.map(heldClaimOf);
  }

  /**
   * Gives back a claim of which nothing was made (no free slot): any host may take the pod. It stays where somebody took the claim over.
   * Calls of the same moment share a statement.
   */
  releaseClaim(claim: HeldClaim): Promise<void> {
    return this.#releases.add(claim);
  }

  /** Makes observations durable and tells the workflows, in one transaction. When it resolves the reports are safe; repeating it is harmless. */
  async record(observations: readonly StatusObservation[], host: string, nowMs: number): Promise<RecordResult> {
    const latest = latestOfEach(observations);
    if (latest.length === 0) return { workflows: [], unknown: [] };
    const rows = await this.#database.run<{ what: 'told' | 'unknown'; workflow: string; node_id: string; incarnation: number }>({
      name: 'pod-record',
      text: RECORD_SQL,
      values: [
        ...keyColumns(latest.map(({ identity }) => identity)),
        latest.map(({ phase }) => phase),
        latest.map(({ phase }) => podPhaseRank(phase)),
        latest.map((observation) => JSON.stringify(reportOf(observation))),
        host,
        nowMs,
      ],
    });
    return {
      workflows: rows.filter(({ what }) => what === 'told').map(({ workflow }) => workflow),
      unknown: rows
        .filter(({ what }) => what === 'unknown')
        .map((row) => ({ workflowUid: row.workflow, nodeId: row.node_id, incarnation: row.incarnation })),
    };
  }

  /** Tells the workflow why the pod, which is wanted, cannot be made yet. False where it is not wanted any more. Nothing else remembers it. */
  async tellWaiting(identity: PodKey, message: string, nowMs: number): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'pod-waiting',
      text: `
        INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
        SELECT p.workflow, 'pod', p.node_id, $4::json, $5::bigint FROM pods p
        WHERE p.workflow = $1 AND p.node_id = $2 AND p.incarnation = $3 AND p.desired = 'run' LIMIT 1
        RETURNING workflow`,
      values: [
        ...[identity.workflowUid, identity.nodeId, identity.incarnation],
        JSON.stringify(reportOf({ identity, phase: 'Pending', message })),
        nowMs,
      ],
    });
    return rows.length > 0;
  }

  /** The runtime has forgotten the pod; its deletion is done. Calls of the same moment share a statement. */
  markDeleted(identity: PodKey, nowMs: number): Promise<void> {
    return this.markDeletedMany([identity], nowMs);
  }

  async markDeletedMany(identities: readonly PodKey[], nowMs: number): Promise<void> {
    if (identities.length > 0) await this.#deletions.add({ identities, nowMs });
  }

  /**
   * Pods of a host that were seen, have not ended, and of which nothing was recorded since `notSeenSinceMs`: to be inspected. In key order after `after`. Not those
   * that are only claimed: they may just be in the making, and are found as work.
   */
  async silentPage(query: { host: string; notSeenSinceMs: number; after?: PodKey; limit: number }): Promise<PodKey[]> {
    return this.#database.run<PodKey>({
      name: 'pod-silent',
      text: `
        SELECT workflow AS "workflowUid", node_id AS "nodeId", incarnation FROM pod_status
        WHERE host = $1 AND phase_rank > 0 AND phase_rank < ${FINAL_RANK} AND updated_at_ms <= $2 AND (workflow, node_id, incarnation) > ($3, $4, $5)
        ORDER BY workflow, node_id, incarnation LIMIT $6`,
      values: [
        query.host,
        query.notSeenSinceMs,
        query.after?.workflowUid ?? '',
        query.after?.nodeId ?? '',
        query.after?.incarnation ?? -1,
        query.limit,
      ],
    });
  }

  /** Pods that a host holds (not deleted there): active ones, and those that nobody wants any more. In key order after `after`. */
  async heldPage(query: { host: string; after?: PodKey; limit: number }): Promise<HeldPod[]> {
    const rows = await this.#database.run<{
      workflow: string;
      node_id: string;
      incarnation: number;
      rank: number;
      wanted: boolean;
    }>({
      name: 'pod-held',
      text: `
        SELECT st.workflow, st.node_id, st.incarnation, st.phase_rank AS rank, coalesce(p.desired <> 'delete', false) AS wanted
        FROM pod_status st LEFT JOIN LATERAL (SELECT desired FROM pods p WHERE ${MATCHES('p', 'st')} LIMIT 1) p ON true
        WHERE st.host = $1 AND st.deleted_at_ms IS NULL AND (st.phase_rank < ${FINAL_RANK} OR coalesce(p.desired = 'delete', true))
          AND (st.workflow, st.node_id, st.incarnation) > ($2, $3, $4)
        ORDER BY st.workflow, st.node_id, st.incarnation LIMIT $5`,
      values: [
        query.host,
        query.after?.workflowUid ?? '',
        query.after?.nodeId ?? '',
        query.after?.incarnation ?? -1,
        query.limit,
      ],
    });
    return rows.map(({ workflow, node_id: nodeId, incarnation, rank, wanted }) => ({
      key: { workflowUid: workflow, nodeId, incarnation },
      rank,
      wanted,
    }));
  }

  /** Notes that pods were inspected and are as recorded, so that the next silentPage leaves them out for a while. */
  async touch(identities: readonly PodKey[], nowMs: number): Promise<void> {
    if (identities.length === 0) return;
    await this.#database.run({
      name: 'pod-touch',
      text: `
        UPDATE pod_status st SET updated_at_ms = $4 FROM unnest($1::text[], $2::text[], $3::integer[]) AS k (workflow, node_id, incarnation)
        WHERE ${MATCHES('k', 'st')} AND st.phase_rank < ${FINAL_RANK}`,
      values: [...keyColumns([...identities].sort(byKey)), nowMs],
    });
  }

  async #claim(claims: readonly Claim[]): Promise<void> {
    for (const host of new Set(claims.map((claim) => claim.host))) {
      const ofHost = claims.filter((claim) => claim.host === host);
      const claimOf = new Map(ofHost.flatMap((claim) => claim.identities.map((key) => [keyText(key), claim] as const)));
      const keys = ofHost.flatMap(({ identities }) =>
        identities.filter((key) => claimOf.get(keyText(key))?.identities === identities),
      );
      const rows = await this.#database.run<ClaimRow>({
        name: 'pod-claim',
        text: CLAIM_SQL,
        values: [...keyColumns(keys.sort(byKey)), host, Math.max(...ofHost.map(({ nowMs }) => nowMs))],
      });
      for (const claim of rows.map(heldClaimOf)) claimOf.get(keyText(claim.identity))?.granted.push(claim);
    }
  }

  async #markDeleted(deleted: readonly { identities: readonly PodKey[]; nowMs: number }[]): Promise<void> {
    const keys = deleted.flatMap(({ identities }) => identities).sort(byKey);
    await this.#database.run({
      name: 'pod-deleted',
      text: `
        UPDATE pod_status st SET deleted_at_ms = coalesce(st.deleted_at_ms, $4) FROM unnest($1::text[], $2::text[], $3::integer[]) AS k (workflow, node_id, incarnation)
        WHERE ${MATCHES('k', 'st')}`,
      values: [...keyColumns(keys), Math.max(...deleted.map(({ nowMs }) => nowMs))],
    });
  }

  async #release(claims: HeldClaim[]): Promise<void> {
    const sorted = claims.sort((left, right) => byKey(left.identity, right.identity));
    await this.#database.run({
      name: 'pod-release',
      text: `
        DELETE FROM pod_status st
        USING unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) AS k (workflow, node_id, incarnation, claimed_at_ms)
        WHERE ${MATCHES('k', 'st')} AND st.phase_rank = 0 AND st.claimed_at_ms = k.claimed_at_ms`,
      values: [...claimColumns(sorted)],
    });
  }
}

interface ClaimRow {
  workflow: string;
  node_id: string;
  incarnation: number;
  claimed_at_ms: number;
}

/** As `keyColumns`, with the moment of the claim as the fourth. */
const claimColumns = (claims: readonly HeldClaim[]): unknown[] => [
  ...keyColumns(claims.map(({ identity }) => identity)),
  claims.map(({ claimedAtMs }) => claimedAtMs),
];

const heldClaimOf = (row: ClaimRow): HeldClaim => ({
  identity: { workflowUid: row.workflow, nodeId: row.node_id, incarnation: row.incarnation },
  claimedAtMs: row.claimed_at_ms,
});

function reportOf({ identity, ...rest }: StatusObservation): PodReport {
  return { nodeId: identity.nodeId, incarnation: identity.incarnation, ...rest };
}

/** One observation per pod: a final one stands, otherwise the highest phase and of equal ones the last. */
function latestOfEach(observations: readonly StatusObservation[]): StatusObservation[] {
  const latest = new Map<string, StatusObservation>();
  for (const observation of observations) {
    const key = keyText(observation.identity);
    const known = latest.get(key);
    const knownRank = known ? podPhaseRank(known.phase) : -1;
    const rank = podPhaseRank(observation.phase);
    if (rank > knownRank || (rank === knownRank && rank < FINAL_RANK)) latest.set(key, observation);
  }
  return [...latest.values()].sort((left, right) => byKey(left.identity, right.identity));
}
