import type { ExecuteValues, Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

import { type Executor, type Statement, type StoreHealth } from '../connection/database.js';
import { inTransaction, type TransactionalDatabase } from '../connection/transaction.js';
import { classifyMysqlError } from './classify-mysql-error.js';

export interface MysqlServer {
  host: string;
  port: number;
  database: string;
  user?: string;
  password?: string;
  ssl?: { rejectUnauthorized: boolean };
}

export interface MysqlDatabaseOptions {
  server: MysqlServer;
  /** For messages; holds no password. */
  description: string;
  maxConnections: number;
  /** How many of them stay open while nobody uses them; default all but one. */
  maxIdleConnections?: number;
  /** After this an idle connection is closed; default 30 s. */
  idleMs?: number;
  /** After this a connection is not used again; absent: it is used for as long as it lives. */
  connectionLifeMs?: number;
  statementTimeoutMs: number;
  /** Runs once on one connection before the first statement. */
  bringUp: (connection: Executor) => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_MS = 30_000;
/** Statements are prepared on the server; so many are kept on a connection. */
const PREPARED_STATEMENTS = 64;

/**
 * Times are UTC, text is compared as Argo's controller has it, and one writer's gaps do not block another. Each stands by itself:
 * MySQL and MariaDB each know only one of the last two.
 */
const sessionSettings = (statementTimeoutMs: number): string[] => [
  `SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION max_execution_time = ${statementTimeoutMs}`,
  `SET SESSION max_statement_time = ${statementTimeoutMs / 1000}`,
];

/**
 * MySQL or MariaDB. States as Database: *unknown* (connected nowhere), *ready* (brought up), *closed*. The driver is loaded with the
 * first use: most installations have no such server. A statement that changes rows gives one row `{ affectedRows }`; a row that was
 * found and stayed as it was does not count.
 */
export class MysqlDatabase implements TransactionalDatabase {
  readonly #options: MysqlDatabaseOptions;
  #pool: Promise<Pool> | undefined;
  #ready = false;
  #bringUp: Promise<void> | undefined;
  /** When connections were made. */
  readonly #births = new WeakMap<object, number>();

  constructor(options: MysqlDatabaseOptions) {
    this.#options = options;
  }

  async run<Row = Record<string, unknown>>(statement: Statement): Promise<Row[]> {
    await this.ensureReady();
    return this.#withConnection((connection) => connection.run<Row>(statement), 'keep');
  }

  async transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result> {
    await this.ensureReady();
    return this.#withConnection((connection) => inTransaction(connection, work));
  }

  async ensureReady(): Promise<void> {
    if (this.#ready) return;
    this.#bringUp ??= this.#withConnection(this.#options.bringUp, 'throw away')
      .then(() => void (this.#ready = true))
      .finally(() => (this.#bringUp = undefined));
    await this.#bringUp;
  }

  async health(): Promise<StoreHealth> {
    try {
      await this.run({ text: 'SELECT 1' });
      return { ready: true };
    } catch (error) {
      return { ready: false, message: `${this.#options.description}: ${(error as Error).message}` };
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => undefined);
    this.#pool = undefined;
    this.#ready = false;
    await pool?.end();
  }

  /**
   * One connection for several statements; it is thrown away if the work fails, so that nothing of it leaks. `keep`: a single statement
   * leaves nothing behind.
   */
  async #withConnection<Result>(work: (connection: Executor) => Promise<Result>, after?: 'throw away' | 'keep'): Promise<Result> {
    const pool = await this.#openPool();
    const connection = await pool.getConnection().catch((error: unknown) => {
      throw classifyMysqlError(error);
    });
    let broken = after !== 'keep';
    try {
      const result = await work({ run: (statement) => runOn(connection, statement) });
      broken = after === 'throw away';
      return result;
    } finally {
      if (broken || this.#isOld(connection)) connection.destroy();
      else connection.release();
    }
  }

  #isOld({ connection }: PoolConnection): boolean {
    const { connectionLifeMs = Infinity } = this.#options;
    return performance.now() - (this.#births.get(connection) ?? Infinity) >= connectionLifeMs;
  }

  #openPool(): Promise<Pool> {
    this.#pool ??= this.#createPool();
    return this.#pool;
  }

  async #createPool(): Promise<Pool> {
    const { server, maxConnections, maxIdleConnections = maxConnections, idleMs = IDLE_MS, statementTimeoutMs } = this.#options;
    const { createPool } = await import('mysql2/promise');
    const pool = createPool({
      ...server,
      connectionLimit: maxConnections,
      // The driver looks after idle connections only where fewer may stay than there may be.
      maxIdle: Math.max(1, Math.min(maxIdleConnections, maxConnections - 1)),
      idleTimeout: idleMs,
      connectTimeout: CONNECT_TIMEOUT_MS,
      enableKeepAlive: true,
      charset: 'utf8mb4',
      dateStrings: true,
      jsonStrings: true,
      decimalNumbers: true,
      maxPreparedStatements: PREPARED_STATEMENTS,
      flags: ['-FOUND_ROWS'],
    });
    // What a new connection is told first stands before whatever it was opened for. A setting that this server does not know is left out.
    pool.pool.on('connection', (connection) => {
      this.#births.set(connection, performance.now());
      for (const setting of sessionSettings(statementTimeoutMs)) connection.query(setting, () => undefined);
    });
    return pool;
  }
}

type Result = ResultSetHeader | RowDataPacket[];

async function runOn<Row>(target: Pool | PoolConnection, { text, values = [] }: Statement): Promise<Row[]> {
  try {
    // Without values there may be statements that cannot be prepared (DDL, transactions).
    const [result] =
      values.length === 0 ? await target.query<Result>(text) : await target.execute<Result>(text, values as ExecuteValues);
    if (Array.isArray(result)) return result as Row[];
    return [{ affectedRows: result.affectedRows } as Row];
  } catch (error) {
    throw classifyMysqlError(error);
  }
}
