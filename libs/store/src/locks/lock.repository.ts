import { type LimitKey } from '#libs/engine';

import { type Database, type Executor } from '../connection/database.js';
import { grantLocks } from './grant-locks.js';
import { changeLocks } from './lock-changes.js';

/** A lock that somebody waits for, and where its limit is written. */
export interface WaitedLock {
  name: string;
  limit: number;
  source: LimitKey;
}

/** Transactions that one call may need because claims want further locks; what is left then is found by the next sweep. */
const MOST_ROUNDS = 20;
const PAGE = 500;

/**
 * Locks beyond the commits of those who hold them: changed limits, holders that are gone, and permits that nobody gave. What is
 * given back are the uids of workflows that found something in their inbox.
 */
export class LockRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether any lock was asked for lately. */
  async isUsed(): Promise<boolean> {
    const rows = await this.#database.run({ name: 'locks-used', text: 'SELECT 1 FROM lock_limits LIMIT 1' });
    return rows.length > 0;
  }

  /** Grants what can be granted of these locks and of those that their waiters want besides. */
  async grant(names: readonly string[], nowMs: number): Promise<string[]> {
    const wake = new Set<string>();
    let scope = [...new Set(names)].sort();
    for (let round = 0; scope.length > 0 && round < MOST_ROUNDS; round += 1) {
      const { granted, beyond } = await this.#database.transaction(async (tx) => {
        await lockRows(tx, scope);
        return grantLocks(tx, scope, nowMs);
      });
      for (const { workflow } of granted) wake.add(workflow);
      scope = beyond.length === 0 ? [] : [...new Set([...scope, ...beyond])].sort();
    }
    return [...wake];
  }

  /** Takes over a limit that was changed where it is written, and grants what it makes room for. */
  async setLimit(name: string, limit: number, nowMs: number): Promise<string[]> {
    await this.#database.run({
      text: 'UPDATE lock_limits SET size_limit = $2, changed_at_ms = $3 WHERE name = $1 AND size_limit <> $2',
      values: [name, limit, nowMs],
    });
    return this.grant([name], nowMs);
  }

  /** Locks with waiters whose limit can change, by name. */
  async waitedFor(after = ''): Promise<WaitedLock[]> {
    return this.#database.run<WaitedLock>({
      name: 'locks-waited-for',
      text: `
        SELECT l.name, l.size_limit AS "limit", l.source FROM lock_limits l
        WHERE l.name > $1 AND l.source IS NOT NULL AND EXISTS (SELECT 1 FROM lock_waiters w WHERE w.name = l.name)
        ORDER BY l.name LIMIT ${PAGE}`,
      values: [after],
    });
  }

  /** Locks that have room and waiters: what a crash between two transactions may have left. */
  async withRoom(): Promise<string[]> {
    const rows = await this.#database.run<{ name: string }>({
      name: 'locks-with-room',
      text: `
        SELECT l.name FROM lock_limits l
        WHERE EXISTS (SELECT 1 FROM lock_waiters w WHERE w.name = l.name)
          AND l.size_limit > (SELECT count(*) FROM locks k WHERE k.name = l.name) ORDER BY l.name LIMIT ${PAGE}`,
    });
    return rows.map(({ name }) => name);
  }

  /** Workflows that hold or wait for something although they have ended or are gone. */
  async ofEndedWorkflows(): Promise<string[]> {
    const rows = await this.#database.run<{ workflow: string }>({
      name: 'locks-of-ended',
      text: `
        SELECT l.workflow FROM (SELECT workflow FROM locks UNION SELECT workflow FROM lock_waiters) l
        WHERE NOT EXISTS (SELECT 1 FROM workflow_state s WHERE s.uid = l.workflow AND NOT s.completed) LIMIT ${PAGE}`,
    });
    return rows.map(({ workflow }) => workflow);
  }

  /** Gives back everything of a workflow that has ended or is gone; without rows it costs one look. */
  async releaseAll(workflow: string, nowMs: number): Promise<string[]> {
    const rows = await this.#database.run({
      name: 'locks-any-of',
      text: `
        SELECT 1 WHERE EXISTS (SELECT 1 FROM locks WHERE workflow = $1) OR EXISTS (SELECT 1 FROM lock_waiters WHERE workflow = $1)`,
      values: [workflow],
    });
    if (rows.length === 0) return [];
    const { wake, beyond } = await this.#database.transaction((tx) =>
      changeLocks(tx, { uid: workflow, nowMs, releases: 'all', wants: [] }),
    );
    return [...wake, ...(await this.grant(beyond, nowMs))];
  }

  /**
   * Forgets locks that nobody has asked for since `beforeMs`, holds or waits for. Whoever asks for one meanwhile has its row, or changes
   * its time, which is looked at again when the row is free: the waiters themselves would not be seen.
   */
  async forgetIdle(beforeMs: number): Promise<number> {
    const rows = await this.#database.run({
      name: 'locks-forget',
      text: `
        DELETE FROM lock_limits WHERE name IN (
          SELECT l.name FROM lock_limits l
          WHERE l.changed_at_ms < $1 AND NOT EXISTS (SELECT 1 FROM locks k WHERE k.name = l.name) AND NOT EXISTS (SELECT 1 FROM lock_waiters w WHERE w.name = l.name)
          LIMIT ${PAGE} FOR UPDATE SKIP LOCKED) RETURNING name`,
      values: [beforeMs],
    });
    return rows.length;
  }
}

async function lockRows(tx: Executor, names: readonly string[]): Promise<void> {
  await tx.run({
    name: 'lock-rows',
    text: `SELECT name FROM lock_limits WHERE name = ANY($1) ORDER BY name COLLATE "C" FOR UPDATE`,
    values: [names],
  });
}
