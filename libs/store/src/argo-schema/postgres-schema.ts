import { type Executor } from '../connection/database.js';
import { DEFAULT_NULL_REPLACEMENT } from '../archive/archive-text.js';
import { type ArgoColumn, type ArgoColumnType } from './argo-tables.js';
import { type SchemaDialect, type StandingTable } from './schema-dialect.js';

const LOCK = 727_002;

const typeSql = (type: ArgoColumnType): string => {
  if (typeof type === 'object') return `character varying(${type.text})`;
  return { json: 'json', document: 'jsonb', time: 'timestamp without time zone', integer: 'integer' }[type];
};

const columnSql = ({ name, type, nullable, defaultNow }: ArgoColumn): string =>
  `${name} ${typeSql(type)}${nullable ? '' : ' NOT NULL'}${defaultNow ? ' DEFAULT CURRENT_TIMESTAMP' : ''}`;

async function standing(connection: Executor, table: string): Promise<StandingTable | undefined> {
  const columns = await connection.run<{ name: string; type: string }>({
    text: `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    values: [table],
  });
  if (columns.length === 0) return undefined;
  const indexes = await connection.run<{ name: string; definition: string; isPrimary: boolean }>({
    text: `SELECT c.relname AS name, pg_get_indexdef(c.oid) AS definition, i.indisprimary AS "isPrimary"
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = to_regclass($1)`,
    values: [table],
  });
  const columnsOf = (definition: string): string[] => /\(([^()]*)\)/.exec(definition)?.[1]?.split(', ') ?? [];
  const primary = indexes.find(({ isPrimary }) => isPrimary);
  return {
    columns: new Map(columns.map(({ name, type }) => [name, type])),
    primaryKey: primary === undefined ? [] : columnsOf(primary.definition),
    indexes: new Map(indexes.filter(({ isPrimary }) => !isPrimary).map((index) => [index.name, columnsOf(index.definition)])),
  };
}

/** U+0000 as json allows it and jsonb does not, except behind an escaped backslash. */
const NULL_ESCAPE = String.raw`(?<!\\)((?:\\\\)*)\\u0000`;

/** Postgres: everything happens in one transaction, so that a crash leaves the tables as they were. */
export const POSTGRES_SCHEMA: SchemaDialect = {
  async begin(connection) {
    await connection.run({ text: `SET lock_timeout = '20s'` });
    await connection.run({ text: 'SET statement_timeout = 0' });
    await connection.run({ text: 'SELECT pg_advisory_lock($1)', values: [LOCK] });
    await connection.run({ text: 'BEGIN' });
  },
  async end(connection) {
    await connection.run({ text: 'COMMIT' });
    await connection.run({ text: 'SELECT pg_advisory_unlock($1)', values: [LOCK] });
    await connection.run({ text: 'RESET lock_timeout' });
    await connection.run({ text: 'RESET statement_timeout' });
  },
  standing,
  async estimatedRows(connection, table) {
    const text = 'SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = to_regclass($1)';
    const [row] = await connection.run<{ estimate: number }>({ text, values: [table] });
    // -1: never analyzed.
    return row === undefined || row.estimate < 0 ? undefined : row.estimate;
  },
  isType: ({ type }, found) => found === typeSql(type),
  columnSql,
  tableSuffix: '',
  retypeSql: (table, { name, type }) =>
    type === 'document'
      ? `ALTER TABLE ${table} ALTER COLUMN ${name} TYPE jsonb
          USING regexp_replace(${name}::text, '${NULL_ESCAPE}', '\\1${DEFAULT_NULL_REPLACEMENT}', 'g')::jsonb`
      : `ALTER TABLE ${table} ALTER COLUMN ${name} TYPE ${typeSql(type)} USING ${name}::text::${typeSql(type)}`,
  dropIndexSql: (_, index) => `DROP INDEX ${index}`,
  replacePrimaryKeySql: ({ name, primaryKey }, { primaryKey: old }) => [
    ...(old.length === 0 ? [] : [`ALTER TABLE ${name} DROP CONSTRAINT ${name}_pkey CASCADE`]),
    `ALTER TABLE ${name} ADD PRIMARY KEY (${primaryKey.join(', ')})`,
  ],
  fillSql: {
    instanceId: [
      `UPDATE argo_archived_workflows SET instanceid = left(workflow -> 'metadata' -> 'labels' ->> 'workflows.argoproj.io/controller-instanceid', 64)
        WHERE workflow -> 'metadata' -> 'labels' ->> 'workflows.argoproj.io/controller-instanceid' IS NOT NULL`,
    ],
    creationTimestamp: [
      `UPDATE argo_archived_workflows
        SET creationtimestamp = coalesce((workflow -> 'metadata' ->> 'creationTimestamp')::timestamptz AT TIME ZONE 'UTC', startedat)`,
    ],
    labels: [
      `INSERT INTO argo_archived_workflows_labels (clustername, uid, name, value)
        SELECT a.clustername, a.uid, l.key, left(l.value, 63) FROM argo_archived_workflows a, jsonb_each_text(a.workflow -> 'metadata' -> 'labels') l
        WHERE jsonb_typeof(a.workflow -> 'metadata' -> 'labels') = 'object' ON CONFLICT DO NOTHING`,
    ],
  },
  extras: {
    argosy_archive_by_start: `CREATE INDEX argosy_archive_by_start ON argo_archived_workflows (clustername, instanceid, startedat, creationtimestamp, uid)`,
    argosy_archive_by_namespace: `CREATE INDEX argosy_archive_by_namespace
      ON argo_archived_workflows (clustername, instanceid, namespace, startedat, creationtimestamp, uid)`,
    argosy_archive_by_name: `CREATE INDEX argosy_archive_by_name ON argo_archived_workflows (clustername, instanceid, name varchar_pattern_ops)`,
    argosy_archive_by_label: `CREATE INDEX argosy_archive_by_label ON argo_archived_workflows_labels (name, value, clustername, uid)`,
    argosy_archive_versions: `CREATE TABLE argosy_archive_versions (
      clustername varchar(64) NOT NULL, uid varchar(128) NOT NULL, version bigint NOT NULL, written_at_ms bigint NOT NULL,
      PRIMARY KEY (clustername, uid))`,
  },
  async standingExtras(connection) {
    const rows = await connection.run<{ name: string }>({
      text: `SELECT relname AS name FROM pg_class WHERE relname LIKE 'argosy\\_archive\\_%' AND pg_table_is_visible(oid)`,
    });
    return new Set(rows.map(({ name }) => name));
  },
};
