import { type Executor } from '../connection/database.js';
import { StoreBusyError } from '../errors.js';
import { type ArgoColumn, type ArgoColumnType } from './argo-tables.js';
import { type SchemaDialect, type StandingTable } from './schema-dialect.js';

const LOCK = 'argosy_archive_schema';
const LOCK_WAIT_S = 20;

const typeSql = (type: ArgoColumnType): string => {
  if (typeof type === 'object') return `varchar(${type.text})`;
  return { json: 'json', document: 'json', time: 'timestamp', integer: 'int' }[type];
};

const columnSql = ({ name, type, nullable, defaultNow }: ArgoColumn): string =>
  `${name} ${typeSql(type)} ${nullable ? 'NULL' : 'NOT NULL'}${defaultNow ? ' DEFAULT CURRENT_TIMESTAMP' : ''}`;

async function standing(connection: Executor, table: string): Promise<StandingTable | undefined> {
  const columns = await connection.run<{ name: string; type: string }>({
    text: `SELECT column_name AS name, column_type AS type FROM information_schema.columns
      WHERE table_schema = database() AND table_name = ? ORDER BY ordinal_position`,
    values: [table],
  });
  if (columns.length === 0) return undefined;
  const parts = await connection.run<{ name: string; part: string; direction: string | null }>({
    text: `SELECT index_name AS name, column_name AS part, collation AS direction FROM information_schema.statistics
      WHERE table_schema = database() AND table_name = ? ORDER BY index_name, seq_in_index`,
    values: [table],
  });
  const indexes = new Map<string, string[]>();
  for (const { name, part, direction } of parts) {
    indexes.set(name, [...(indexes.get(name) ?? []), direction === 'D' ? `${part} DESC` : part]);
  }
  const primaryKey = indexes.get('PRIMARY') ?? [];
  indexes.delete('PRIMARY');
  return { columns: new Map(columns.map(({ name, type }) => [name, type.toLowerCase()])), primaryKey, indexes };
}

const isType = ({ type }: ArgoColumn, found: string): boolean => {
  // MariaDB keeps json as text with a check.
  if (type === 'json' || type === 'document') return found === 'json' || found === 'longtext';
  return type === 'integer' ? /^int(\(\d+\))?$/.test(found) : found === typeSql(type);
};

const LABELS_OF = `JSON_EXTRACT(a.workflow, '$.metadata.labels')`;
const INSTANCE_ID = `JSON_UNQUOTE(JSON_EXTRACT(workflow, '$.metadata.labels."workflows.argoproj.io/controller-instanceid"'))`;

/** MySQL and MariaDB: DDL commits by itself, so every step looks at what stands and can be done again. */
export const MYSQL_SCHEMA: SchemaDialect = {
  async begin(connection) {
    // Only MariaDB has such a limit for DDL; the connection is not used again.
    await connection.run({ text: 'SET SESSION max_statement_time = 0' }).catch(() => undefined);
    const rows = await connection.run<{ locked: number | null }>({
      text: `SELECT GET_LOCK('${LOCK}', ${LOCK_WAIT_S}) AS locked`,
    });
    if (rows[0]?.locked !== 1) throw new StoreBusyError('the archive tables are being brought up by another program');
  },
  async end(connection) {
    await connection.run({ text: `SELECT RELEASE_LOCK('${LOCK}')` });
  },
  standing,
  async estimatedRows(connection, table) {
    const [row] = await connection.run<{ estimate: number | null }>({
      text: 'SELECT table_rows AS estimate FROM information_schema.tables WHERE table_schema = database() AND table_name = ?',
      values: [table],
    });
    return row?.estimate ?? undefined;
  },
  isType,
  columnSql,
  tableSuffix: ' DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin',
  retypeSql: (table, column) => `ALTER TABLE ${table} MODIFY ${columnSql(column)}`,
  dropIndexSql: (table, index) => `DROP INDEX ${index} ON ${table}`,
  replacePrimaryKeySql: ({ name, primaryKey }, { primaryKey: old }) => [
    `ALTER TABLE ${name}${old.length === 0 ? '' : ' DROP PRIMARY KEY,'} ADD PRIMARY KEY (${primaryKey.join(', ')})`,
  ],
  fillSql: {
    instanceId: [`UPDATE argo_archived_workflows SET instanceid = LEFT(${INSTANCE_ID}, 64) WHERE ${INSTANCE_ID} IS NOT NULL`],
    creationTimestamp: [
      `UPDATE argo_archived_workflows SET creationtimestamp = COALESCE(
        STR_TO_DATE(LEFT(JSON_UNQUOTE(JSON_EXTRACT(workflow, '$.metadata.creationTimestamp')), 19), '%Y-%m-%dT%H:%i:%s'), startedat)`,
    ],
    labels: [
      `INSERT IGNORE INTO argo_archived_workflows_labels (clustername, uid, name, value)
        SELECT a.clustername, a.uid, l.name, LEFT(JSON_UNQUOTE(JSON_EXTRACT(${LABELS_OF}, CONCAT('$."', l.name, '"'))), 63)
        FROM argo_archived_workflows a, JSON_TABLE(JSON_KEYS(${LABELS_OF}), '$[*]' COLUMNS (name varchar(317) PATH '$')) l`,
    ],
  },
  extras: {
    // Secondary indexes end in the primary key: Argo's index on (name, value) covers what a label query reads.
    argosy_archive_by_start: `CREATE INDEX argosy_archive_by_start ON argo_archived_workflows (clustername, instanceid, startedat, creationtimestamp, uid)`,
    argosy_archive_by_namespace: `CREATE INDEX argosy_archive_by_namespace
      ON argo_archived_workflows (clustername, instanceid, namespace, startedat, creationtimestamp, uid)`,
    argosy_archive_versions: `CREATE TABLE argosy_archive_versions (
      clustername varchar(64) NOT NULL, uid varchar(128) NOT NULL, version bigint NOT NULL, written_at_ms bigint NOT NULL,
      PRIMARY KEY (clustername, uid)) DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin`,
  },
  async standingExtras(connection) {
    const rows = await connection.run<{ name: string }>({
      text: `SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = database() AND index_name LIKE 'argosy%'
        UNION SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name LIKE 'argosy%'`,
    });
    return new Set(rows.map(({ name }) => name));
  },
};
