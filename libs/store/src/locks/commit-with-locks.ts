import { type AdmissionChange, changeAdmission } from '../admission/admit.js';
import { type Database, type Statement } from '../connection/database.js';
import { changeLocks, type LockChanges } from './lock-changes.js';
import { LockRepository } from './lock.repository.js';

interface Asked {
  uid: string;
  nowMs: number;
  locks?: LockChanges;
  admission?: AdmissionChange;
}

/**
 * Runs a commit and, in the same transaction behind its fence, what it asks of locks and of admission; a commit that asks for neither is
 * one statement as ever. Killed before the COMMIT nothing has happened; killed after it, permits lie in the inboxes of those who got them.
 */
export async function commitWithLocks<Row>(
  database: Database,
  commit: Statement,
  { uid, nowMs, locks, admission }: Asked,
): Promise<{ row: Row | undefined; wake: string[] }> {
  if (!locks && !admission) return { row: (await database.run<Row>(commit))[0], wake: [] };
  const { row, wake, beyond } = await database.transaction(async (tx) => {
    const [committed] = await tx.run<Row>(commit);
    if (committed === undefined) return { row: undefined, wake: [], beyond: [] };
    const admitted = admission ? await changeAdmission(tx, { ...admission, uid, nowMs }) : [];
    const outcome = locks ? await changeLocks(tx, { ...locks, uid, nowMs }) : { wake: [], beyond: [] };
    return { row: committed, wake: [...admitted, ...outcome.wake], beyond: outcome.beyond };
  });
  const further = beyond.length === 0 ? [] : await new LockRepository(database).grant(beyond, nowMs).catch(() => []);
  return { row, wake: [...new Set([...wake, ...further])] };
}
