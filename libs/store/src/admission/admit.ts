import { type Executor } from '../connection/database.js';

/** Most workflows that may run at the same time; absent or 0: any number. A namespace's own limit wins over that for all namespaces. */
export interface ParallelismLimits {
  controller?: number;
  namespace?: number;
  byNamespace: Readonly<Record<string, number>>;
}

/** What a workflow asks: to be one of the running ones, or to be it no more. */
export interface AdmissionChange {
  want?: { priority: number };
  leave?: boolean;
  limits: ParallelismLimits;
}

interface WaitingRow {
  workflow: string;
  namespace: string;
}

const ADMISSION_LOCK = 727_003;
const BATCH = 200;

/** How many workflows of a namespace may run; Infinity: any number. */
export const namespaceLimit = (limits: ParallelismLimits, namespace: string): number =>
  orAny(limits.byNamespace[namespace] ?? limits.namespace);

const orAny = (limit: number | undefined): number => (limit === undefined || limit <= 0 ? Infinity : limit);

/** Admission is one at a time; behind the fence of the commit, and before any lock. */
const takeTurn = (tx: Executor): Promise<unknown[]> =>
  tx.run({ name: 'admission-turn', text: 'SELECT pg_advisory_xact_lock($1, 0)', values: [ADMISSION_LOCK] });

/**
 * Changes what a workflow wants inside the transaction of its commit, admits who may run now, and tells the workflow itself if it has to
 * wait. Gives the uids of those that were told something.
 */
export async function changeAdmission(
  tx: Executor,
  { uid, nowMs, want, leave, limits }: AdmissionChange & { uid: string; nowMs: number },
): Promise<string[]> {
  await takeTurn(tx);
  if (leave === true) await tx.run({ name: 'admission-leave', text: 'DELETE FROM admission WHERE workflow = $1', values: [uid] });
  if (want) {
    await tx.run({
      name: 'admission-want',
      text: `
        INSERT INTO admission (workflow, namespace, priority, created_at_ms, admitted, changed_at_ms)
        SELECT w.uid, w.namespace, $2, w.created_at_ms, false, $3 FROM workflows w WHERE w.uid = $1
        ON CONFLICT (workflow) DO UPDATE SET admitted = false, priority = excluded.priority, changed_at_ms = excluded.changed_at_ms`,
      values: [uid, want.priority, nowMs],
    });
  }
  const admitted = await admitWaiting(tx, limits, nowMs);
  if (!want || admitted.includes(uid)) return admitted;
  await tell(tx, [uid], false, nowMs);
  return [...admitted, uid];
}

/** Admits whoever may run now, in turn; `takeTurn` has been called. A namespace that is full holds back only its own. */
export async function admitWaiting(tx: Executor, limits: ParallelismLimits, nowMs: number): Promise<string[]> {
  const running = new Map(
    (
      await tx.run<{ namespace: string; count: number }>({
        name: 'admission-running',
        text: 'SELECT namespace, count(*) AS count FROM admission WHERE admitted GROUP BY namespace',
      })
    ).map(({ namespace, count }) => [namespace, count]),
  );
  const admitted: string[] = [];
  for (;;) {
    const total = [...running.values()].reduce((sum, count) => sum + count, 0);
    const free = Math.min(BATCH, orAny(limits.controller) - total);
    if (free <= 0) return admitted;
    const full = [...running].filter(([namespace, count]) => count >= namespaceLimit(limits, namespace));
    const rows = await tx.run<WaitingRow>({
      name: 'admission-waiting',
      text: `
        SELECT workflow, namespace FROM admission WHERE NOT admitted AND namespace <> ALL($1)
        ORDER BY priority DESC, created_at_ms, serial LIMIT $2`,
      values: [full.map(([namespace]) => namespace), free],
    });
    const chosen = rows.filter(({ namespace }) => {
      const count = running.get(namespace) ?? 0;
      if (count >= namespaceLimit(limits, namespace)) return false;
      running.set(namespace, count + 1);
      return true;
    });
    if (chosen.length === 0) return admitted;
    const uids = chosen.map(({ workflow }) => workflow);
    await tx.run({
      name: 'admission-admit',
      text: 'UPDATE admission SET admitted = true, changed_at_ms = $2 WHERE workflow = ANY($1)',
      values: [uids, nowMs],
    });
    await tell(tx, uids, true, nowMs);
    admitted.push(...uids);
    if (rows.length < free && chosen.length === rows.length) return admitted;
  }
}

async function tell(tx: Executor, uids: readonly string[], admitted: boolean, nowMs: number): Promise<void> {
  await tx.run({
    name: 'admission-tell',
    text: `
      INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
      SELECT uid, 'admission', '', $2::json, $3 FROM unnest($1::text[]) AS uid`,
    values: [uids, JSON.stringify({ admitted }), nowMs],
  });
}

/** Brings admission in line with what really runs, and admits whoever may; for the sweep. Gives the uids of those admitted. */
export async function settleAdmission(tx: Executor, limits: ParallelismLimits, nowMs: number): Promise<string[]> {
  await takeTurn(tx);
  await tx.run({
    name: 'admission-ended',
    text: `DELETE FROM admission a WHERE NOT EXISTS (SELECT 1 FROM workflow_state s WHERE s.uid = a.workflow AND NOT s.completed)`,
  });
  if (isLimited(limits)) await tx.run({ name: 'admission-backfill', text: BACKFILL_SQL, values: [nowMs] });
  return admitWaiting(tx, limits, nowMs);
}

/** Workflows that began before a limit was in force count as running. */
const BACKFILL_SQL = `
  INSERT INTO admission (workflow, namespace, priority, created_at_ms, admitted, changed_at_ms)
  SELECT w.uid, w.namespace, 0, w.created_at_ms, true, $1 FROM workflow_state s JOIN workflows w ON w.uid = s.uid
  WHERE NOT s.completed AND s.phase = 'Running' ON CONFLICT (workflow) DO NOTHING`;

/** Whether any limit is in force. */
export const isLimited = ({ controller, namespace, byNamespace }: ParallelismLimits): boolean =>
  [controller, namespace, ...Object.values(byNamespace)].some((limit) => orAny(limit) < Infinity);
