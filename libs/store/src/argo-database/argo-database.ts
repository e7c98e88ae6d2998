import { type Clock } from '#libs/workflow-spec';

import { Database, type Executor, type StoreHealth, type StoreLogger } from '../connection/database.js';
import { bringUpArgoTables } from '../argo-schema/bring-up.js';
import { type ArgoDialect, type ArgoPlace, describePlace, portOf } from './argo-place.js';
import { MysqlDatabase } from './mysql-database.js';

/**
 * A database with Argo's tables beside our own. It connects when it is first used and brings the tables to Argo's schema version 68
 * then, unless the place says `skipMigration`. Statements have the placeholders of their dialect: `$1` in Postgres, `?` in MySQL, where
 * a statement that changes rows gives one row `{ affectedRows }`. Errors as Database.
 */
export interface ArgoDatabase extends Executor {
  readonly dialect: ArgoDialect;
  readonly place: ArgoPlace;
  transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result>;
  /** Asks the server; never rejects. */
  health(): Promise<StoreHealth>;
  close(): Promise<void>;
}

export interface ArgoDatabaseOptions {
  clock: Clock;
  logger?: StoreLogger;
  /** After this a statement is given up; default 30000. */
  statementTimeoutMs?: number;
}

const DEFAULT_CONNECTIONS = 4;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Opens a place. Connects nowhere yet: the server may be away. */
export function openArgoDatabase(place: ArgoPlace, options: ArgoDatabaseOptions): ArgoDatabase {
  return place.dialect === 'mysql' ? new MysqlArgoDatabase(place, options) : new PostgresArgoDatabase(place, options);
}

class PostgresArgoDatabase implements ArgoDatabase {
  readonly dialect = 'postgres';
  readonly #database: Database;

  constructor(
    readonly place: ArgoPlace,
    { clock, logger, statementTimeoutMs = DEFAULT_TIMEOUT_MS }: ArgoDatabaseOptions,
  ) {
    const { host, database, user, password, tls, maxConnections = DEFAULT_CONNECTIONS } = place;
    this.#database = new Database({
      connection: {
        host,
        port: portOf(place),
        database,
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password }),
        ...(tls === undefined ? {} : { ssl: { rejectUnauthorized: tls.verify } }),
      },
      clock,
      ...(logger === undefined ? {} : { logger }),
      maxConnections,
      statementTimeoutMs,
      applicationName: 'argosy-archive',
      bringUp: (connection) => bringUpArgoTables(connection, place, logger),
    });
  }

  run<Row>(statement: { text: string; values?: unknown[] }): Promise<Row[]> {
    return this.#database.run<Row>(statement);
  }

  transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result> {
    return this.#database.transaction(work);
  }

  health(): Promise<StoreHealth> {
    return this.#database.health();
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

class MysqlArgoDatabase implements ArgoDatabase {
  readonly dialect = 'mysql';
  readonly #database: MysqlDatabase;

  constructor(
    readonly place: ArgoPlace,
    { logger, statementTimeoutMs = DEFAULT_TIMEOUT_MS }: ArgoDatabaseOptions,
  ) {
    const { host, database, user, password, tls, maxConnections = DEFAULT_CONNECTIONS } = place;
    this.#database = new MysqlDatabase({
      server: {
        host,
        port: portOf(place),
        database,
        ...(user === undefined ? {} : { user }),
        ...(password === undefined ? {} : { password }),
        ...(tls === undefined ? {} : { ssl: { rejectUnauthorized: tls.verify } }),
      },
      description: describePlace(place),
      maxConnections,
      statementTimeoutMs,
      bringUp: (connection) => bringUpArgoTables(connection, place, logger),
    });
  }

  run<Row>(statement: { text: string; values?: unknown[] }): Promise<Row[]> {
    return this.#database.run<Row>(statement);
  }

  transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result> {
    return this.#database.transaction(work);
  }

  health(): Promise<StoreHealth> {
    return this.#database.health();
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
