import { ARCHIVE_TABLE, argoTables, HISTORY_TABLE } from '../argo-schema/argo-tables.js';
import { refusalOf, schemaDialectOf, versionOf } from '../argo-schema/bring-up.js';
import { type StandingTable } from '../argo-schema/schema-dialect.js';
import { type ArgoDatabase } from './argo-database.js';
import { DEFAULT_OFFLOAD_TABLE } from './argo-place.js';
import { withPlaceholders } from './placeholders.js';

/** Rows of one cluster name and, in the archive since version 53, one instance ID. */
export interface SurveyedRows {
  clusterName: string;
  instanceId?: string;
  rows: number;
  /** Counting ended at `rows`; there are more. */
  isMore: boolean;
}

export interface SurveyedTable {
  name: string;
  /** At most 20; `isMore` of the table says that there are others. */
  groups: SurveyedRows[];
  isMore: boolean;
  /** What the server believes; undefined where it has no statistics. */
  estimatedRows?: number;
}

/** What stands in a database with Argo's tables. */
export interface ArgoSurvey {
  /** Of `schema_history`; undefined where there is none. */
  version?: number;
  /** Of Argo's tables, those that are not there. */
  missing: string[];
  /** Why the tables could not be used; undefined where they are as they should be, or can be brought forward. */
  refusal?: string;
  archived?: SurveyedTable;
  offloaded?: SurveyedTable;
}

const COUNTED = 10_000;
const GROUPS = 20;

/**
 * Looks at Argo's tables without changing anything, by steps along their indexes: what it reads is bounded by so many groups and so many
 * rows of each, however long the history. The database has to be opened with `skipMigration`. Rejects with the errors of Database.
 */
export async function surveyArgoTables(database: ArgoDatabase): Promise<ArgoSurvey> {
  const dialect = schemaDialectOf(database);
  const offloadName = database.place.tableName ?? DEFAULT_OFFLOAD_TABLE;
  const survey: ArgoSurvey = { missing: [] };
  for (const table of argoTables(offloadName)) {
    const standing = await dialect.standing(database, table.name);
    if (standing === undefined) {
      survey.missing.push(table.name);
      continue;
    }
    const refusal = table.name === HISTORY_TABLE ? undefined : refusalOf(table, standing);
    if (refusal !== undefined) survey.refusal ??= refusal;
    else if (table.name === ARCHIVE_TABLE) survey.archived = await tableOf(database, table.name, standing);
    else if (table.name === offloadName) survey.offloaded = await tableOf(database, table.name, standing);
  }
  const version = await versionOf(database, dialect);
  return { ...survey, ...(version === undefined ? {} : { version }) };
}

async function tableOf(database: ArgoDatabase, name: string, standing: StandingTable): Promise<SurveyedTable> {
  const columns = ['clustername', 'instanceid'].filter((column) => standing.columns.has(column));
  const groups: SurveyedRows[] = [];
  let next = await nextGroup(database, name, columns, undefined);
  for (; next !== undefined && groups.length < GROUPS; next = await nextGroup(database, name, columns, next))
    groups.push(await counted(database, name, columns, next));
  const estimatedRows = await schemaDialectOf(database).estimatedRows(database, name);
  return { name, groups, isMore: next !== undefined, ...(estimatedRows === undefined ? {} : { estimatedRows }) };
}

/** The values of the columns that follow `last` in the order of the index; one step each, so that no row between is read. */
async function nextGroup(
  database: ArgoDatabase,
  name: string,
  columns: readonly string[],
  last: readonly string[] | undefined,
): Promise<string[] | undefined> {
  const list = columns.join(', ');
  for (let fixed = last === undefined ? 0 : columns.length - 1; fixed >= 0; fixed--) {
    const conditions = columns.slice(0, fixed).map((column) => `${column} = ?`);
    const values = last?.slice(0, fixed + 1) ?? [];
    if (last !== undefined) conditions.push(`${columns[fixed]} > ?`);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const text = `SELECT ${list} FROM ${name} ${where} ORDER BY ${list} LIMIT 1`;
    const [row] = await database.run<Record<string, string>>({ text: withPlaceholders(database.dialect, text), values });
    if (row !== undefined) return columns.map((column) => row[column] ?? '');
  }
  return undefined;
}

async function counted(
  database: ArgoDatabase,
  name: string,
  columns: readonly string[],
  values: readonly string[],
): Promise<SurveyedRows> {
  const conditions = columns.map((column) => `${column} = ?`).join(' AND ');
  const text = `SELECT count(*) AS found FROM (SELECT 1 AS one FROM ${name} WHERE ${conditions} LIMIT ${COUNTED + 1}) counted`;
  const [row] = await database.run<{ found: number }>({
    text: withPlaceholders(database.dialect, text),
    values: [...values],
  });
  const found = row?.found ?? 0;
  const [clusterName = '', instanceId] = values;
  return {
    clusterName,
    ...(instanceId === undefined ? {} : { instanceId }),
    rows: Math.min(found, COUNTED),
    isMore: found > COUNTED,
  };
}
