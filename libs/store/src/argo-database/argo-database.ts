import { type Clock } from '#libs/workflow-spec';

import {
  Database,
  type Executor,
  type Statement,
  type StoreConnection,
  type StoreHealth,
  type StoreLogger,
} from '../connection/database.js';
import { type TransactionalDatabase } from '../connection/transaction.js';
import { bringUpArgoTables } from '../argo-schema/bring-up.js';
import { type ArgoDialect, type ArgoPlace, describePlace, portOf } from './argo-place.js';
import { MysqlDatabase, type MysqlServer } from './mysql-database.js';

/**
 * A database with Argo's tables beside our own. It connects when it is first used and brings the tables to Argo's schema version 68
 * then, unless the place says `skipMigration`. Statements have the placeholders of their dialect: `$1` in Postgres, `?` in MySQL, where
 * a statement that changes rows gives one row `{ affectedRows }`. Errors as Database.
 */
export interface ArgoDatabase extends TransactionalDatabase {
  readonly dialect: ArgoDialect;
  readonly place: ArgoPlace;
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
  return new OpenedArgoDatabase(place, place.dialect === 'mysql' ? mysqlOf(place, options) : postgresOf(place, options));
}

class OpenedArgoDatabase implements ArgoDatabase {
  readonly dialect: ArgoDialect;
  readonly #database: TransactionalDatabase;

  constructor(
    readonly place: ArgoPlace,
    database: TransactionalDatabase,
  ) {
    this.dialect = place.dialect;
    this.#database = database;
  }

  run<Row>(statement: Statement): Promise<Row[]> {
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

function postgresOf(place: ArgoPlace, { clock, logger, statementTimeoutMs }: ArgoDatabaseOptions): Database {
  return new Database({
    connection: serverOf(place),
    clock,
    ...(logger === undefined ? {} : { logger }),
    ...poolOf(place),
    statementTimeoutMs: statementTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    applicationName: 'argosy-archive',
    bringUp: (connection) => bringUpArgoTables(connection, place, logger),
  });
}

function mysqlOf(place: ArgoPlace, { logger, statementTimeoutMs }: ArgoDatabaseOptions): MysqlDatabase {
  return new MysqlDatabase({
    server: serverOf(place),
    description: describePlace(place),
    ...poolOf(place),
    ...(place.maxIdleConnections === undefined ? {} : { maxIdleConnections: place.maxIdleConnections }),
    statementTimeoutMs: statementTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    bringUp: (connection) => bringUpArgoTables(connection, place, logger),
  });
}

const poolOf = ({ maxConnections = DEFAULT_CONNECTIONS, idleMs, connectionLifeMs }: ArgoPlace) => ({
  maxConnections,
  ...(idleMs === undefined ? {} : { idleMs }),
  ...(connectionLifeMs === undefined ? {} : { connectionLifeMs }),
});

function serverOf(place: ArgoPlace): MysqlServer & StoreConnection {
  const { host, database, user, password, tls } = place;
  return {
    host,
    port: portOf(place),
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(tls === undefined ? {} : { ssl: { rejectUnauthorized: tls.verify } }),
  };
}
