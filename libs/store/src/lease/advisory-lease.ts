import { type Database } from '../connection/database.js';

const LEASE_CLASS = 727_002;

/** A lease that one process at a time holds, bound to its database connection: it ends with the process or the connection. */
export class AdvisoryLease {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Runs `work` while holding the lease `name`; resolves with undefined at once where another process holds it. A connection that is
   * lost midway loses the lease as well, and two may then work at once: what runs under it must be harmless to run twice.
   */
  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
    await this.#database.ensureReady();
    return this.#database.withConnection(async (connection) => {
      const rows = await connection.run<{ held: boolean }>({
        text: 'SELECT pg_try_advisory_lock($1, hashtext($2)) AS held',
        values: [LEASE_CLASS, name],
      });
      if (!rows[0]?.held) return undefined;
      const result = await work();
      await connection.run({ text: 'SELECT pg_advisory_unlock($1, hashtext($2))', values: [LEASE_CLASS, name] });
      return result;
    });
  }
}
