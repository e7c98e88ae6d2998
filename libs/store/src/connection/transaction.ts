import { type Executor, type StoreHealth } from './database.js';

/** What Postgres and MySQL are alike in: statements, transactions, and whether the server answers. */
export interface TransactionalDatabase extends Executor {
  /** Statements in one transaction; a rejection rolls back. A connection lost at COMMIT rejects with StoreUnavailableError: outcome unknown. */
  transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result>;
  /** Asks the server; never rejects. */
  health(): Promise<StoreHealth>;
  close(): Promise<void>;
}

/** Does the work between BEGIN and COMMIT on one connection; where it rejects, it rolls back and rejects with the work's error. */
export async function inTransaction<Result>(connection: Executor, work: (tx: Executor) => Promise<Result>): Promise<Result> {
  await connection.run({ text: 'BEGIN' });
  try {
    const result = await work(connection);
    await connection.run({ text: 'COMMIT' });
    return result;
  } catch (error) {
    await connection.run({ text: 'ROLLBACK' }).catch(() => undefined);
    throw error;
  }
}
