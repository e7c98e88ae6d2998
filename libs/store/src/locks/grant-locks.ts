import { grantClaims, type LockSign } from '#libs/engine';

import { type Executor } from '../connection/database.js';
import { tellWorkflows } from './lock-inbox.js';

/** A claim that has been granted. */
export interface GrantedClaim {
  workflow: string;
  holder: string;
}

interface ClaimRow extends GrantedClaim {
  attempt: number;
  priority: number;
  createdAtMs: number;
  serial: number;
  isHolder: boolean;
  wanted: (LockSign & { name: string })[];
}

interface Claim extends ClaimRow {
  id: string;
  locks: string[];
}
interface Capacity {
  name: string;
  free: number;
}

/** Most claims in front of one lock that are looked at in one transaction; the next one goes on. */
const BATCH = 500;

const claimId = ({ workflow, holder }: GrantedClaim): string => `${workflow}/${holder}`;

/**
 * Grants what can be granted of these locks, whose rows in `lock_limits` are locked by the transaction. Only so many of the first in each
 * queue are read as the lock has room for: of those behind them only holders of other locks could be granted, who are asked for where it matters. A claim that wants a lock outside of these is left for a
 * transaction that has that one's row too: `beyond`.
 */
export async function grantLocks(
  tx: Executor,
  names: readonly string[],
  nowMs: number,
): Promise<{ granted: GrantedClaim[]; beyond: string[] }> {
  if (names.length === 0) return { granted: [], beyond: [] };
  const capacities = await tx.run<Capacity>({
    name: 'lock-capacities',
    text: `
      SELECT l.name, l.size_limit - (SELECT count(*) FROM locks k WHERE k.name = l.name) AS free FROM lock_limits l WHERE l.name = ANY($1)`,
    values: [names],
  });
  const open = capacities.filter(({ free }) => free > 0);
  if (open.length === 0) return { granted: [], beyond: [] };
  const claims = await firstInTurn(tx, open, 'everyone');
  const first = await grant(tx, grantClaims(capacities, claims), nowMs);
  const passing = await grantPassing(tx, { open, claims, first, nowMs });
  const granted = [...first, ...passing.granted];
  const own = new Set(names);
  const beyond = [...claims, ...passing.asked].flatMap(({ locks }) => locks).filter((name) => !own.has(name));
  const isCut = open.some(({ free }) => free > BATCH) && granted.length >= BATCH;
  return { granted, beyond: isCut ? [...beyond, ...names] : beyond };
}

/** Where a claim that cannot go on stands before a lock with room, workflows that hold a lock may pass it (see grantClaims). */
async function grantPassing(
  tx: Executor,
  { open, claims, first, nowMs }: { open: readonly Capacity[]; claims: readonly Claim[]; first: readonly Claim[]; nowMs: number },
): Promise<{ asked: Claim[]; granted: Claim[] }> {
  const waiting = claims.filter((claim) => !first.includes(claim));
  const stillFree = open
    .map(({ name, free }) => ({ name, free: free - first.filter(({ locks }) => locks.includes(name)).length }))
    .filter(({ name, free }) => free > 0 && waiting.some(({ locks }) => locks.includes(name)));
  if (stillFree.length === 0) return { asked: [], granted: [] };
  const asked = await firstInTurn(tx, stillFree, 'holders');
  return { asked, granted: await grant(tx, grantClaims(stillFree, asked), nowMs) };
}

const HOLDERS_ONLY = 'AND EXISTS (SELECT 1 FROM locks k WHERE k.workflow = w.workflow)';

async function firstInTurn(tx: Executor, open: readonly Capacity[], whose: 'everyone' | 'holders'): Promise<Claim[]> {
  const rows = await tx.run<ClaimRow>({
    name: `lock-first-${whose}`,
    text: `
      SELECT c.workflow, c.holder, c.attempt, c.priority, c.created_at_ms AS "createdAtMs", c.serial,
        (SELECT json_agg(json_build_object('name', o.name, 'shown', o.shown, 'kind', o.kind) ORDER BY o.position)
          FROM lock_waiters o WHERE o.workflow = c.workflow AND o.holder = c.holder) AS wanted,
        EXISTS (SELECT 1 FROM locks k WHERE k.workflow = c.workflow) AS "isHolder"
      FROM (
        SELECT DISTINCT ON (q.workflow, q.holder) q.* FROM unnest($1::text[], $2::bigint[]) AS l (name, free)
        CROSS JOIN LATERAL (
          SELECT * FROM lock_waiters w WHERE w.name = l.name ${whose === 'holders' ? HOLDERS_ONLY : ''} ORDER BY w.priority DESC, w.created_at_ms, w.serial LIMIT l.free) q
        ORDER BY q.workflow, q.holder) c`,
    values: [open.map(({ name }) => name), open.map(({ free }) => Math.min(free, BATCH))],
  });
  return rows.map((row) => ({ ...row, id: claimId(row), locks: row.wanted.map(({ name }) => name) }));
}

/** Gives those that were still there. */
async function grant(tx: Executor, claims: readonly Claim[], nowMs: number): Promise<Claim[]> {
  if (claims.length === 0) return [];
  const rows = await tx.run<GrantedClaim>({
    name: 'lock-grant',
    text: `
      WITH granted AS (
        DELETE FROM lock_waiters w USING unnest($1::text[], $2::text[]) AS g (workflow, holder)
        WHERE w.workflow = g.workflow AND w.holder = g.holder RETURNING w.name, w.workflow, w.holder, w.attempt)
      INSERT INTO locks (name, workflow, holder, attempt, acquired_at_ms)
      SELECT name, workflow, holder, attempt, $3 FROM granted
      ON CONFLICT (name, workflow, holder) DO UPDATE SET attempt = excluded.attempt
      RETURNING workflow, holder`,
    values: [claims.map(({ workflow }) => workflow), claims.map(({ holder }) => holder), nowMs],
  });
  const there = new Set(rows.map(claimId));
  const granted = claims.filter(({ id }) => there.has(id));
  await tellWorkflows(
    tx,
    granted.map(({ workflow, holder, attempt, wanted }) => ({
      workflow,
      answer: { holder, attempt, outcome: 'granted', locks: wanted.map(({ shown, kind }) => ({ shown, kind })) },
    })),
    nowMs,
  );
  return granted;
}
