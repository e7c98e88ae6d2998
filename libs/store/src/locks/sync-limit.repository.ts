import { type Database } from '../connection/database.js';

/** Limits of database semaphores, by `<namespace>/<key>`, in Argo's table: the API changes them, and people with SQL. */
export class SyncLimitRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(namespace: string, key: string): Promise<number | undefined> {
    const rows = await this.#database.run<{ limit: number }>({
      name: 'sync-limit',
      text: 'SELECT sizelimit AS "limit" FROM sync_limit WHERE name = $1',
      values: [`${namespace}/${key}`],
    });
    return rows[0]?.limit;
  }

  /** False where there is one of this name already. */
  async insert(namespace: string, key: string, limit: number): Promise<boolean> {
    const rows = await this.#database.run({
      text: 'INSERT INTO sync_limit (name, sizelimit) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING name',
      values: [`${namespace}/${key}`, limit],
    });
    return rows.length > 0;
  }

  /** False where there is none of this name. */
  async update(namespace: string, key: string, limit: number): Promise<boolean> {
    const rows = await this.#database.run({
      text: 'UPDATE sync_limit SET sizelimit = $2 WHERE name = $1 RETURNING name',
      values: [`${namespace}/${key}`, limit],
    });
    return rows.length > 0;
  }

  /** False where there is none of this name. */
  async remove(namespace: string, key: string): Promise<boolean> {
    const rows = await this.#database.run({
      text: 'DELETE FROM sync_limit WHERE name = $1 RETURNING name',
      values: [`${namespace}/${key}`],
    });
    return rows.length > 0;
  }
}
