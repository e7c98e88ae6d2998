import { sql } from '../connection/drizzle.js';
import { toStatement } from '../connection/drizzle-statement.js';
import { type ArchiveDialect } from './archive-dialect.js';
import { fromArchiveText } from './archive-text.js';

const likePattern = (prefix: string): string => `${prefix.replace(/[\\%_]/g, String.raw`\$&`)}%`;

/** What Argo's archive list returns of each workflow (persist/sqldb/workflow_archive.go, ListWorkflows). */
const PARTIAL = sql`jsonb_strip_nulls(jsonb_build_object(
  'apiVersion', b.workflow -> 'apiVersion', 'kind', b.workflow -> 'kind', 'metadata', b.workflow -> 'metadata',
  'spec', jsonb_build_object('arguments', b.workflow -> 'spec' -> 'arguments', 'suspend', b.workflow -> 'spec' -> 'suspend'),
  'status', jsonb_build_object(
    'phase', b.workflow -> 'status' -> 'phase', 'startedAt', b.workflow -> 'status' -> 'startedAt',
    'finishedAt', b.workflow -> 'status' -> 'finishedAt', 'progress', b.workflow -> 'status' -> 'progress',
    'message', b.workflow -> 'status' -> 'message', 'estimatedDuration', b.workflow -> 'status' -> 'estimatedDuration',
    'resourcesDuration', b.workflow -> 'status' -> 'resourcesDuration')))::text AS workflow`;

/** U+0000 stands in the texts as `nullReplacement`. */
export const postgresDialect = (nullReplacement: string): ArchiveDialect => ({
  render: toStatement,
  time: (text) => sql`${text}::timestamp`,
  timeText: (column) => sql`to_char(${column}, 'YYYY-MM-DD HH24:MI:SS.US')`,
  isOneOf: (column, values) =>
    values.length === 1 ? sql`${column} = ${values[0]}` : sql`${column} = ANY(${sql.param([...values])}::text[])`,
  isNoneOf: (column, values) => sql`NOT ${column} = ANY(${sql.param([...values])}::text[])`,
  startsWith: (column, prefix) => sql`${column} LIKE ${likePattern(prefix)}`,
  contains: (column, part) => sql`strpos(${column}, ${part}) > 0`,
  compareNumber: (column, operator, value) =>
    sql`CASE WHEN ${column} ~ '^-?[0-9]+$' THEN ${column}::numeric ${sql.raw(operator === 'gt' ? '>' : '<')} ${value} ELSE false END`,
  partial: PARTIAL,
  whole: sql`a.workflow::text`,
  parsePartial: ({ workflow }) => fromArchiveText(String(workflow), nullReplacement),
  parseWhole: (text) => fromArchiveText(text, nullReplacement),
});
