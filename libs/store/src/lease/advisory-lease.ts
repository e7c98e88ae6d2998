import { type Database, type Executor, type Statement } from '../connection/database.js';

const LEASE_CLASS = 727_002;

/** Gives a lease back. */
export type LeaseRelease = () => Promise<void>;

/**
 * Leases that one process at a time holds, by name, bound to one database connection: they end with the process or the connection.
 * A connection that is lost midway loses its leases, and two may then work at once: what runs under one must be harmless to run twice.
 * States: *idle* (no connection), *holding* (one connection for all names that are held; back to the pool with the last of them).
 */
export class AdvisoryLease {
  readonly #database: Database;
  readonly #held = new Set<string>();
  #connection: Promise<Executor & { release(broken: boolean): void }> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** Callers that use the connection, held names included. */
  #users = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The way to give the lease back, or undefined at once where it is held elsewhere (also by another caller in this process). */
  async tryAcquire(name: string): Promise<LeaseRelease | undefined> {
    if (this.#held.has(name)) return undefined;
    this.#held.add(name);
    let acquired = false;
    try {
      acquired = await this.#lock(name);
    } finally {
      if (!acquired) this.#held.delete(name);
    }
    return acquired ? () => this.#release(name) : undefined;
  }

  /** Runs `work` while holding the lease; resolves with undefined at once where it is held elsewhere. */
  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
    const release = await this.tryAcquire(name);
    if (!release) return undefined;
    try {
      return await work();
    } finally {
      await release();
    }
  }

  /** Drops the connection and with it every lease. */
  close(): void {
    void this.#dropConnection();
  }

  async #lock(name: string): Promise<boolean> {
    await this.#database.ensureReady();
    const connection = await this.#enter();
    try {
      const rows = await this.#inTurn<{ held: boolean }>(connection, {
        name: 'lease-lock',
        text: 'SELECT pg_try_advisory_lock($1, hashtext($2)) AS held',
        values: [LEASE_CLASS, name],
      });
      if (rows[0]?.held) return true;
    } catch (error) {
      await this.#dropConnection();
      throw error;
    }
    await this.#leave();
    return false;
  }

  /** A failure here has dropped the connection, and the lease with it: nothing is left to give back. */
  async #release(name: string): Promise<void> {
    if (!this.#held.delete(name) || !this.#connection) return;
    try {
      const connection = await this.#connection;
      await this.#inTurn(connection, {
        name: 'lease-unlock',
        text: 'SELECT pg_advisory_unlock($1, hashtext($2))',
        values: [LEASE_CLASS, name],
      });
      await this.#leave();
    } catch {
      await this.#dropConnection();
    }
  }

  /** A connection runs one statement at a time; callers of different names share it. */
  #inTurn<Row>(connection: Executor, statement: Statement): Promise<Row[]> {
    const answer = this.#last.then(() => connection.run<Row>(statement));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #enter(): Promise<Executor> {
    this.#users += 1;
    this.#connection ??= this.#database.checkOut();
    try {
      return await this.#connection;
    } catch (error) {
      this.#users = 0;
      this.#connection = undefined;
      throw error;
    }
  }

  async #leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    const connection = this.#connection;
    this.#connection = undefined;
    (await connection)?.release(false);
  }

  async #dropConnection(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#users = 0;
    this.#held.clear();
    (await connection?.catch(() => undefined))?.release(true);
  }
}
