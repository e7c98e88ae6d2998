import pg from 'pg';

import { type Clock } from '#libs/workflow-spec';

import { migrate } from '../migrations/migrate.js';
import { classifyStoreError } from './classify-error.js';
import { inTransaction, type TransactionalDatabase } from './transaction.js';

/** What the store says about itself; given by the program (pino, a test's array). */
export interface StoreLogger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** Where Postgres is: a URL (`postgres://…`, also with `?host=/socket/dir`), or the parts of one; `host` may be a socket folder. */
export interface StoreConnection {
  connectionString?: string;
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  /** Absent: no TLS. */
  ssl?: { rejectUnauthorized: boolean };
}

export interface DatabaseOptions {
  connection: StoreConnection;
  clock: Clock;
  logger?: StoreLogger;
  /** Connections of this process; default 4. */
  maxConnections?: number;
  /** After this an idle connection is closed; default 30 s. */
  idleMs?: number;
  /** After this a connection is not used again; absent: it is used for as long as it lives. */
  connectionLifeMs?: number;
  /** After this a statement is given up by Postgres; default 30000. */
  statementTimeoutMs?: number;
  /** Shown in pg_stat_activity; default `argosy`. */
  applicationName?: string;
  /** Runs once on one connection before the first statement; default: our own migrations. */
  bringUp?: (connection: Executor) => Promise<void>;
}

/** One statement. With `name` it is parsed once per connection. */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
  /** Takes as long as it takes, where the session has no limit either. */
  unlimited?: true;
}

/** Runs statements; a transaction gives the same interface bound to its connection. */
export interface Executor {
  run<Row = Record<string, unknown>>(statement: Statement): Promise<Row[]>;
}

export interface StoreHealth {
  ready: boolean;
  /** Why not, for `/readyz`. */
  message?: string;
}

/**
 * Statements are planned once per connection, often while the tables are still empty, when reading them whole looks cheapest; such a plan
 * would be kept while they grow. Every statement here has an index to go by, so that choice is taken away. JIT never pays for small ones.
 */
const SESSION_SETTINGS = '-c enable_seqscan=off -c jit=off';

const INT8_OID = 20;
/** All our bigints are versions, ids and milliseconds: below 2^53, so plain numbers. */
const builtInParser = pg.types.getTypeParser as (oid: number, format?: string) => (value: string) => unknown;
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: string) => (oid === INT8_OID ? Number : builtInParser(oid, format)),
};

const POSTGRES_INTEGER_MAX = 2_147_483_647;
/** The server ends a statement at its limit and says so; who hears nothing for so long after it talks to a connection that is dead without a word. */
const ANSWER_GRACE_MS = 5_000;
/** Of an idle connection, before the system asks whether the other side is there. */
const KEEP_ALIVE_MS = 10_000;

/**
 * The connection to Postgres. States: *unknown* (constructed, nothing connected: allowed while Postgres is away), *ready* (the schema
 * was found or made), *closed*. Every call in *unknown* first brings the schema up, once for all callers; failing that, the call
 * rejects with StoreUnavailableError and the next call tries again. A lost connection does not leave *ready*: the pool makes a new one.
 */
export class Database implements TransactionalDatabase {
  readonly clock: Clock;
  readonly #pool: pg.Pool;
  readonly #config: pg.PoolConfig;
  readonly #logger: StoreLogger | undefined;
  readonly #makeSchema: (connection: Executor) => Promise<void>;
  #ready = false;
  #bringUp: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    this.clock = options.clock;
    this.#logger = options.logger;
    this.#makeSchema = options.bringUp ?? ((connection) => migrate(connection, this.clock, this.#logger));
    const statementTimeoutMs = Math.min(options.statementTimeoutMs ?? 30_000, POSTGRES_INTEGER_MAX);
    this.#config = {
      ...options.connection,
      types,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      options: SESSION_SETTINGS,
      application_name: options.applicationName ?? 'argosy',
      statement_timeout: statementTimeoutMs,
      ...(statementTimeoutMs === 0
        ? {}
        : { query_timeout: Math.min(statementTimeoutMs + ANSWER_GRACE_MS, POSTGRES_INTEGER_MAX) }),
      idle_in_transaction_session_timeout: statementTimeoutMs,
      connectionTimeoutMillis: 15_000,
    };
    const { maxConnections = 4, idleMs = 30_000, connectionLifeMs = 0 } = options;
    this.#pool = new pg.Pool({
      ...this.#config,
      max: maxConnections,
      idleTimeoutMillis: idleMs,
      maxLifetimeSeconds: connectionLifeMs / 1000,
    });
    this.#pool.on('error', (error) => {
      if (!this.#closing) this.#logger?.warn('an idle database connection was lost', { error: error.message });
    });
  }

  async run<Row = Record<string, unknown>>(statement: Statement): Promise<Row[]> {
    await this.ensureReady();
    return this.#runOnPool<Row>(statement);
  }

  async transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result> {
    await this.ensureReady();
    return this.withConnection((connection) => inTransaction(connection, work));
  }

  /** One connection for several statements (session locks). It is thrown away if the work fails, so that no session state leaks. */
  async withConnection<Result>(work: (connection: Executor) => Promise<Result>): Promise<Result> {
    const connection = await this.checkOut();
    let broken = true;
    try {
      const result = await work(connection);
      broken = false;
      return result;
    } finally {
      connection.release(broken);
    }
  }

  /** A connection of the pool until it is released; `broken` throws it away. */
  async checkOut(): Promise<Executor & { release(broken: boolean): void }> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw classifyStoreError(error);
    });
    // A connection may die while it is checked out and idle between two statements; the next statement reports it.
    const onError = (error: Error) => this.#logger?.warn('a database connection was lost', { error: error.message });
    client.on('error', onError);
    return {
      run: (statement) => runOn(client, statement),
      release: (broken) => {
        client.removeListener('error', onError);
        client.release(broken);
      },
    };
  }

  /** A connection outside of the pool, for LISTEN; the caller ends it. */
  async dedicatedClient(): Promise<pg.Client> {
    await this.ensureReady();
    const client = new pg.Client({ ...this.#config, statement_timeout: 0 });
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw classifyStoreError(error);
    }
    return client;
  }

  async ensureReady(): Promise<void> {
    if (this.#ready) return;
    this.#bringUp ??= this.#migrate().finally(() => {
      this.#bringUp = undefined;
    });
    await this.#bringUp;
  }

  async health(): Promise<StoreHealth> {
    try {
      await this.ensureReady();
      await this.#runOnPool({ text: 'SELECT 1' });
      return { ready: true };
    } catch (error) {
      return { ready: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    await this.#closing;
  }

  async #migrate(): Promise<void> {
    await this.withConnection(this.#makeSchema);
    this.#ready = true;
  }

  async #runOnPool<Row>(statement: Statement): Promise<Row[]> {
    return runOn<Row>(this.#pool, statement);
  }
}

async function runOn<Row>(target: pg.Pool | pg.PoolClient, statement: Statement): Promise<Row[]> {
  try {
    const { unlimited, ...query } = statement;
    const limit = unlimited === undefined ? {} : { query_timeout: POSTGRES_INTEGER_MAX };
    const result = await target.query({ ...query, ...limit } as pg.QueryConfig);
    return result.rows as Row[];
  } catch (error) {
    throw classifyStoreError(error);
  }
}
