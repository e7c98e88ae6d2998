import { type Executor, type StoreLogger } from '../connection/database.js';
import { DEFAULT_OFFLOAD_TABLE, type ArgoPlace } from '../argo-database/argo-place.js';
import { StoreSchemaError } from '../errors.js';
import { ARGO_SCHEMA_VERSION, type ArgoColumn, type ArgoTable, argoTables, HISTORY_TABLE } from './argo-tables.js';
import { MYSQL_SCHEMA } from './mysql-schema.js';
import { POSTGRES_SCHEMA } from './postgres-schema.js';
import { type SchemaDialect, type StandingTable } from './schema-dialect.js';

/** Which tables, and how far they may be touched. */
export type SchemaPlace = Pick<ArgoPlace, 'dialect' | 'tableName' | 'skipMigration'> & {
  /** Of our own tables and indexes beside Argo's: leave these out. */
  withoutExtras?: readonly string[];
};

export const schemaDialectOf = ({ dialect }: Pick<ArgoPlace, 'dialect'>): SchemaDialect =>
  dialect === 'mysql' ? MYSQL_SCHEMA : POSTGRES_SCHEMA;

const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

/**
 * Makes Argo's tables where there are none, and brings those of an older Argo forward to version 68: by what stands in the database, so
 * that it can be repeated after any crash. Tables of a newer Argo are left as they are. Our own indexes are added beside Argo's. With
 * `skipMigration` nothing is touched. Throws StoreSchemaError where the tables are older than archives by cluster (version 23).
 */
export async function bringUpArgoTables(given: Executor, place: SchemaPlace, logger?: StoreLogger): Promise<void> {
  const connection: Executor = { run: (statement) => given.run({ ...statement, unlimited: true }) };
  const offloadName = place.tableName ?? DEFAULT_OFFLOAD_TABLE;
  if (!TABLE_NAME.test(offloadName)) throw new StoreSchemaError('persistence: tableName must be a plain name of a table');
  if (place.skipMigration) return;
  const dialect = schemaDialectOf(place);
  if (await isCurrent(connection, dialect, place)) return;
  await dialect.begin(connection);
  // Another program may have done it while this one waited.
  const version = await versionOf(connection, dialect);
  if (version === undefined || version < ARGO_SCHEMA_VERSION) {
    for (const table of argoTables(offloadName))
      await bringForward(connection, { dialect, table, isFirst: version === undefined });
    for (const text of fillsOf(dialect, version)) await connection.run({ text });
    await setVersion(connection, version);
    logger?.info("Argo's tables brought up", { from: version ?? 'nothing', to: ARGO_SCHEMA_VERSION });
  }
  await addExtras(connection, dialect, place);
  await dialect.end(connection);
}

async function isCurrent(connection: Executor, dialect: SchemaDialect, place: SchemaPlace): Promise<boolean> {
  const version = await versionOf(connection, dialect);
  if (version === undefined || version < ARGO_SCHEMA_VERSION) return false;
  return missingExtras(dialect, place, await dialect.standingExtras(connection)).length === 0;
}

/** The latest version that `schema_history` has; undefined where there is no such table, or nothing in it. */
export async function versionOf(connection: Executor, dialect: SchemaDialect): Promise<number | undefined> {
  if ((await dialect.standing(connection, HISTORY_TABLE)) === undefined) return undefined;
  const rows = await connection.run<{ version: number | null }>({
    text: `SELECT max(schema_version) AS version FROM ${HISTORY_TABLE}`,
  });
  return rows[0]?.version ?? undefined;
}

async function setVersion(connection: Executor, before: number | undefined): Promise<void> {
  const text =
    before === undefined
      ? `INSERT INTO ${HISTORY_TABLE} (schema_version) VALUES (${ARGO_SCHEMA_VERSION})`
      : `UPDATE ${HISTORY_TABLE} SET schema_version = ${ARGO_SCHEMA_VERSION} WHERE schema_version = ${before}`;
  await connection.run({ text });
}

/** What versions before a change did not have is filled out of the stored workflows; again after a crash, as the version was not set. */
const fillsOf = ({ fillSql }: SchemaDialect, version: number | undefined): string[] => {
  if (version === undefined) return [];
  return [
    ...(version < 46 ? fillSql.labels : []),
    ...(version < 53 ? fillSql.instanceId : []),
    ...(version < 67 ? fillSql.creationTimestamp : []),
  ];
};

interface Step {
  dialect: SchemaDialect;
  table: ArgoTable;
  /** There were no tables of Argo. */
  isFirst: boolean;
}

async function bringForward(connection: Executor, step: Step): Promise<void> {
  const { dialect, table } = step;
  const standing = await dialect.standing(connection, table.name);
  if (standing === undefined) await connection.run({ text: createSql(step) });
  else {
    await bringColumnsForward(connection, step, standing);
    if (standing.primaryKey.join() !== table.primaryKey.join()) {
      for (const text of dialect.replacePrimaryKeySql(table, standing)) await connection.run({ text });
    }
  }
  await bringIndexesForward(connection, step, standing?.indexes ?? new Map());
}

/** A table that joins older ones has the server's collation, as they do. */
const createSql = ({ dialect, table, isFirst }: Step): string => {
  const { name, columns, primaryKey, references } = table;
  const parts = [...columns.map((column) => dialect.columnSql(column)), `PRIMARY KEY (${primaryKey.join(', ')})`];
  if (references !== undefined) {
    const key = references.columns.join(', ');
    parts.push(`FOREIGN KEY (${key}) REFERENCES ${references.table} (${key}) ON DELETE CASCADE`);
  }
  return `CREATE TABLE ${name} (${parts.join(', ')})${isFirst ? dialect.tableSuffix : ''}`;
};

async function bringColumnsForward(connection: Executor, { dialect, table }: Step, standing: StandingTable): Promise<void> {
  for (const column of table.columns) {
    const type = standing.columns.get(column.name);
    if (type === undefined) for (const text of addColumnSql(dialect, table, column)) await connection.run({ text });
    else if (!dialect.isType(column, type)) await connection.run({ text: dialect.retypeSql(table.name, column) });
  }
}

const ADDED_COLUMNS: ReadonlySet<string> = new Set(['creationtimestamp', 'instanceid']);

/** Why tables that stand cannot be brought forward: a column without which a row says too little; undefined where they can. */
export const refusalOf = ({ name, columns }: ArgoTable, standing: StandingTable): string | undefined => {
  const lacking = columns.find((column) => !standing.columns.has(column.name) && !ADDED_COLUMNS.has(column.name));
  return lacking && refusalText(name, lacking.name);
};

const refusalText = (table: string, column: string): string =>
  `table ${table} has no column ${column}: it is older than what can be brought forward; let an Argo of version 3 or 4 migrate it once`;

/** Throws StoreSchemaError for a column without which a row says too little. */
function addColumnSql(dialect: SchemaDialect, { name: table }: ArgoTable, column: ArgoColumn): string[] {
  const add = `ALTER TABLE ${table} ADD COLUMN ${dialect.columnSql(column)}`;
  if (column.name === 'creationtimestamp') return [add];
  if (column.name === 'instanceid') return [`${add} DEFAULT ''`, `ALTER TABLE ${table} ALTER COLUMN instanceid DROP DEFAULT`];
  throw new StoreSchemaError(refusalText(table, column.name));
}

async function bringIndexesForward(
  connection: Executor,
  { dialect, table }: Step,
  standing: StandingTable['indexes'],
): Promise<void> {
  for (const [name, columns] of Object.entries(table.indexes)) {
    const found = standing.get(name);
    if (found?.join() === columns.join()) continue;
    if (found !== undefined) await connection.run({ text: dialect.dropIndexSql(table.name, name) });
    await connection.run({ text: `CREATE INDEX ${name} ON ${table.name} (${columns.join(', ')})` });
  }
}

const missingExtras = (dialect: SchemaDialect, place: SchemaPlace, standing: ReadonlySet<string>): string[] =>
  Object.keys(dialect.extras).filter((name) => !standing.has(name) && place.withoutExtras?.includes(name) !== true);

async function addExtras(connection: Executor, dialect: SchemaDialect, place: SchemaPlace): Promise<void> {
  for (const name of missingExtras(dialect, place, await dialect.standingExtras(connection))) {
    await connection.run({ text: dialect.extras[name] ?? '' });
  }
}
