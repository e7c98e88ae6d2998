import { type HeldLock, type LimitKey, type LockAnswer } from '#libs/engine';

import { type Executor } from '../connection/database.js';
import { grantLocks } from './grant-locks.js';
import { tellWorkflows } from './lock-inbox.js';

/** A claim of a workflow ('') or of one of its nodes: all of these locks or none. */
export interface LockWant {
  holder: string;
  attempt: number;
  priority: number;
  locks: readonly { name: string; shown: string; kind: 'mutex' | 'semaphore'; limit: number; source?: LimitKey }[];
  /** It has them already, whatever their limits say: nothing is asked and nothing is answered. */
  isHeld?: boolean;
}

/** What a decision asks of the locks. Releases come before wants. */
export interface LockChanges {
  /** Holders that give back what they hold or wait for; `all`: everyone of the workflow. */
  releases: readonly string[] | 'all';
  wants: readonly LockWant[];
}

/** `wake`: workflows that were told something. `beyond`: locks to look at as well, in a transaction of their own. */
export interface LockOutcome {
  wake: string[];
  beyond: string[];
}

const HOLDERS_SHOWN = 10;
const CLAIMS_PER_SERIAL = 100_000;
const LOCK_ONLY = -1;

/**
 * Changes what a workflow holds and waits for, and grants what has become free, inside the transaction of its commit.
 *
 * Order: the workflow's state row is locked by the fence before; then every row of `lock_limits` that is concerned, by name; only then
 * rows of holders and waiters. Everybody keeps to it, so nobody waits in a circle, and everything said about a lock is said under its row.
 */
export async function changeLocks(
  tx: Executor,
  { uid, nowMs, releases, wants }: LockChanges & { uid: string; nowMs: number },
): Promise<LockOutcome> {
  const released = await namesOf(tx, uid, releases);
  const names = await lockNames(tx, { released, wants, nowMs });
  if (released.length > 0) await release(tx, uid, releases);
  await insertHolders(
    tx,
    uid,
    wants.filter(({ isHeld }) => isHeld === true),
    nowMs,
  );
  const asked = wants.filter(({ isHeld }) => isHeld !== true);
  await insertWaiters(tx, uid, asked);
  const outcome = await grantLocks(tx, names, nowMs);
  const waiting = await answersForWaiting(tx, uid, asked, outcome.granted);
  await tellWorkflows(tx, waiting, nowMs);
  return {
    wake: [...new Set([...outcome.granted.map(({ workflow }) => workflow), ...waiting.map(({ workflow }) => workflow)])],
    beyond: outcome.beyond.length === 0 ? [] : [...new Set([...names, ...outcome.beyond])],
  };
}

/**
 * Puts the locks that another controller has granted a workflow in the place of all that it holds and waits for. Their limits are said by
 * whoever asks for them; until then they have no room. The order is that of `changeLocks`.
 */
export async function takeHeldLocks(
  tx: Executor,
  { uid, locks, nowMs }: { uid: string; locks: readonly HeldLock[]; nowMs: number },
): Promise<void> {
  const given = await namesOf(tx, uid, 'all');
  await lockNames(tx, { released: [...given, ...locks.map(({ name }) => name)], wants: [], nowMs });
  if (given.length > 0) await release(tx, uid, 'all');
  const holders = [...new Set(locks.map(({ holder }) => holder))];
  const wants = holders.map((holder) => ({ holder, attempt: 1, locks: locks.filter((lock) => lock.holder === holder) }));
  await insertHolders(tx, uid, wants, nowMs);
}

const holderCondition = (releases: readonly string[] | 'all'): string => (releases === 'all' ? '' : 'AND holder = ANY($2)');
const holderValues = (uid: string, releases: readonly string[] | 'all'): unknown[] =>
  releases === 'all' ? [uid] : [uid, releases];

/** The locks of a claim never change, so they may be read before their rows are locked. */
async function namesOf(tx: Executor, uid: string, releases: readonly string[] | 'all'): Promise<string[]> {
  if (releases !== 'all' && releases.length === 0) return [];
  const condition = `workflow = $1 ${holderCondition(releases)}`;
  const rows = await tx.run<{ name: string }>({
    name: `lock-names-${releases === 'all' ? 'all' : 'some'}`,
    text: `SELECT name FROM locks WHERE ${condition} UNION SELECT name FROM lock_waiters WHERE ${condition}`,
    values: holderValues(uid, releases),
  });
  return rows.map(({ name }) => name);
}

/** Locks the rows of all concerned locks in the order of their names, making those that are new. */
async function lockNames(
  tx: Executor,
  { released, wants, nowMs }: { released: readonly string[]; wants: readonly LockWant[]; nowMs: number },
): Promise<string[]> {
  const wanted = wants.flatMap(({ locks }) => locks);
  const limits = new Map<string, { limit: number; source?: LimitKey }>(released.map((name) => [name, { limit: LOCK_ONLY }]));
  for (const { name, limit, source } of wanted) limits.set(name, { limit, ...(source === undefined ? {} : { source }) });
  const names = [...limits.keys()].sort();
  if (names.length === 0) return [];
  await tx.run({
    name: 'lock-limits',
    text: `
      INSERT INTO lock_limits (name, size_limit, source, changed_at_ms)
      SELECT l.name, l.size_limit, l.source, $4 FROM unnest($1::text[], $2::bigint[], $3::json[]) AS l (name, size_limit, source) ORDER BY l.name COLLATE "C"
      ON CONFLICT (name) DO UPDATE SET
        size_limit = CASE WHEN excluded.size_limit < 0 THEN lock_limits.size_limit ELSE excluded.size_limit END,
        source = COALESCE(excluded.source, lock_limits.source),
        changed_at_ms = excluded.changed_at_ms`,
    values: [
      names,
      names.map((name) => limits.get(name)?.limit),
      names.map((name) => sourceText(limits.get(name)?.source)),
      nowMs,
    ],
  });
  return names;
}

const sourceText = (source: LimitKey | undefined): string | null => (source === undefined ? null : JSON.stringify(source));

async function release(tx: Executor, uid: string, releases: readonly string[] | 'all'): Promise<void> {
  const condition = `workflow = $1 ${holderCondition(releases)}`;
  await tx.run({
    name: `lock-release-${releases === 'all' ? 'all' : 'some'}`,
    text: `WITH waiters AS (DELETE FROM lock_waiters WHERE ${condition}) DELETE FROM locks WHERE ${condition}`,
    values: holderValues(uid, releases),
  });
}

async function insertWaiters(tx: Executor, uid: string, wants: readonly LockWant[]): Promise<void> {
  const rows = wants.flatMap(({ holder, attempt, priority, locks }, claim) =>
    locks.map(({ name, shown, kind }, position) => ({ holder, attempt, priority, claim, name, shown, kind, position })),
  );
  if (rows.length === 0) return;
  await tx.run({
    name: 'lock-want',
    text: `
      INSERT INTO lock_waiters (name, workflow, holder, attempt, priority, created_at_ms, serial, position, shown, kind)
      SELECT w.name, $1, w.holder, w.attempt, w.priority, f.created_at_ms, s.base * ${CLAIMS_PER_SERIAL} + w.claim, w.position, w.shown, w.kind
      FROM (SELECT nextval('lock_claims') AS base) s, workflows f,
        unnest($2::text[], $3::text[], $4::bigint[], $5::integer[], $6::bigint[], $7::integer[], $8::text[], $9::text[])
          AS w (name, holder, attempt, priority, claim, position, shown, kind)
      WHERE f.uid = $1
      ON CONFLICT (name, workflow, holder) DO UPDATE SET attempt = excluded.attempt, position = excluded.position`,
    values: [
      uid,
      rows.map(({ name }) => name),
      rows.map(({ holder }) => holder),
      rows.map(({ attempt }) => attempt),
      rows.map(({ priority }) => priority),
      rows.map(({ claim }) => claim),
      rows.map(({ position }) => position),
      rows.map(({ shown }) => shown),
      rows.map(({ kind }) => kind),
    ],
  });
}

/** Claims that somebody else had granted before: they go in over any limit, and those behind them wait for them. */
async function insertHolders(
  tx: Executor,
  uid: string,
  wants: readonly { holder: string; attempt: number; locks: readonly { name: string }[] }[],
  nowMs: number,
): Promise<void> {
  const rows = wants.flatMap(({ holder, attempt, locks }) => locks.map(({ name }) => ({ holder, attempt, name })));
  if (rows.length === 0) return;
  await tx.run({
    name: 'lock-held',
    text: `
      INSERT INTO locks (name, workflow, holder, attempt, acquired_at_ms)
      SELECT l.name, $1, l.holder, l.attempt, $5 FROM unnest($2::text[], $3::text[], $4::bigint[]) AS l (name, holder, attempt)
      ON CONFLICT (name, workflow, holder) DO UPDATE SET attempt = excluded.attempt`,
    values: [uid, rows.map(({ name }) => name), rows.map(({ holder }) => holder), rows.map(({ attempt }) => attempt), nowMs],
  });
}

interface HeldRow {
  name: string;
  limit: number;
  held: number;
  holders: string[] | null;
}

/** Tells those of the workflow that have just asked in vain which lock is in their way: the first that has nothing free, else the first. */
async function answersForWaiting(
  tx: Executor,
  uid: string,
  wants: readonly LockWant[],
  granted: readonly { workflow: string; holder: string }[],
): Promise<{ workflow: string; answer: LockAnswer }[]> {
  const inside = new Set(granted.filter(({ workflow }) => workflow === uid).map(({ holder }) => holder));
  const waiting = wants.filter(({ holder }) => !inside.has(holder));
  if (waiting.length === 0) return [];
  const names = [...new Set(waiting.flatMap(({ locks }) => locks.map(({ name }) => name)))];
  const rows = await tx.run<HeldRow>({
    name: 'lock-holders',
    text: `
      SELECT l.name, l.size_limit AS "limit", (SELECT count(*) FROM locks k WHERE k.name = l.name) AS held,
        (SELECT json_agg(h.shown) FROM (
          SELECT w.namespace || '/' || w.name || CASE k.holder WHEN '' THEN '' ELSE '/' || k.holder END AS shown
          FROM locks k JOIN workflows w ON w.uid = k.workflow WHERE k.name = l.name ORDER BY k.acquired_at_ms LIMIT ${HOLDERS_SHOWN}) h) AS holders
      FROM lock_limits l WHERE l.name = ANY($1)`,
    values: [names],
  });
  const known = new Map(rows.map((row) => [row.name, row]));
  return waiting.flatMap(({ holder, attempt, locks }) => {
    const isFull = (name: string): boolean => (known.get(name)?.held ?? 0) >= (known.get(name)?.limit ?? 0);
    const lock = locks.find(({ name }) => isFull(name)) ?? locks[0];
    const row = lock === undefined ? undefined : known.get(lock.name);
    if (lock === undefined || row === undefined) return [];
    const { name, shown, kind } = lock;
    const { limit, held } = row;
    const answer: LockAnswer = {
      holder,
      attempt,
      outcome: 'waiting',
      lock: { name, shown, kind },
      free: limit - held,
      limit,
      holders: row.holders ?? [],
    };
    return [{ workflow: uid, answer }];
  });
}
