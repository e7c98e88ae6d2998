import { randomUUID } from 'node:crypto';

import type { Database } from '../connection/database.js';

/** Keys that an installation makes for itself, once; all its programs use the same. */
export class InstallationKeyRepository {
  readonly #database: Database;
  #identity: Promise<string> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What tells this installation, with its database, from others on the same cluster. No secret. */
  async identity(nowMs: number): Promise<string> {
    this.#identity ??= this.obtain('identity', randomUUID(), nowMs);
    try {
      return await this.#identity;
    } catch (error) {
      this.#identity = undefined;
      throw error;
    }
  }

  /** The key of this name; `candidate` where there is none yet. Whoever comes first decides. */
  async obtain(name: string, candidate: string, nowMs: number): Promise<string> {
    await this.#database.run({
      name: 'installation-key-make',
      text: 'INSERT INTO installation_keys (name, value, created_at_ms) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING',
      values: [name, candidate, nowMs],
    });
    const rows = await this.#database.run<{ value: string }>({
      name: 'installation-key',
      text: 'SELECT value FROM installation_keys WHERE name = $1',
      values: [name],
    });
    return rows[0]?.value ?? candidate;
  }
}
