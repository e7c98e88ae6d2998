import type { MemoEntry } from '#libs/engine';

import { type Database } from '../connection/database.js';

/** An entry of one of our own caches by its place. */
export interface MemoPlace {
  namespace: string;
  cache: string;
  key: string;
}

/** An entry to keep; the last one of a place wins. */
export interface MemoSave extends MemoPlace {
  entry: MemoEntry;
  lastHitAtMs: number;
}

/** Remembered outputs (`memoize.cache.database`). Written by the scheduler's commit, with the decision that they come from. */
export class MemoRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get({ namespace, cache, key }: MemoPlace): Promise<MemoEntry | undefined> {
    const rows = await this.#database.run<{ entry: MemoEntry }>({
      name: 'memo-get',
      text: 'SELECT entry FROM memo_entries WHERE namespace = $1 AND cache = $2 AND key = $3',
      values: [namespace, cache, key],
    });
    return rows[0]?.entry;
  }

  /** Forgets entries that nobody has asked for since `beforeMs`; returns how many. */
  async purgeUnused(options: { beforeMs: number; limit: number }): Promise<number> {
    const rows = await this.#database.run({
      name: 'memo-purge',
      text: `
        DELETE FROM memo_entries m USING (
          SELECT namespace, cache, key FROM memo_entries WHERE last_hit_at_ms < $1 ORDER BY last_hit_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED) old
        WHERE m.namespace = old.namespace AND m.cache = old.cache AND m.key = old.key AND m.last_hit_at_ms < $1 RETURNING 1`,
      values: [options.beforeMs, options.limit],
    });
    return rows.length;
  }
}
