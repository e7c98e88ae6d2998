import { type SQL } from 'drizzle-orm';

import { sql } from '../connection/drizzle.js';
import { toStatement } from '../connection/drizzle-statement.js';
import { type ArchiveDialect } from './archive-dialect.js';

/** Where the parts of a partial object are, by the name of their column. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  p0: ['apiVersion'],
  p1: ['kind'],
  p2: ['metadata'],
  p3: ['spec', 'arguments'],
  p4: ['spec', 'suspend'],
  p5: ['status', 'phase'],
  p6: ['status', 'startedAt'],
  p7: ['status', 'finishedAt'],
  p8: ['status', 'progress'],
  p9: ['status', 'message'],
  p10: ['status', 'estimatedDuration'],
  p11: ['status', 'resourcesDuration'],
};

const PARTIAL = sql.raw(
  Object.entries(PARTS)
    .map(([name, path]) => `JSON_EXTRACT(b.workflow, '$.${path.join('.')}') AS ${name}`)
    .join(', '),
);

type Part = Record<string, unknown>;

const parsePartial = (row: Record<string, unknown>): unknown => {
  const partial: Part = { spec: {}, status: {} };
  for (const [column, path] of Object.entries(PARTS)) {
    const value: unknown = typeof row[column] === 'string' ? JSON.parse(row[column]) : null;
    if (value === null) continue;
    const [first = '', second] = path;
    if (second === undefined) partial[first] = value;
    else (partial[first] as Part)[second] = value;
  }
  return partial;
};

/** Beside the comparison that an index serves stands one of the bytes: a collation may hold `a` and `A` for the same. */
const isOneOf = (column: SQL, values: readonly string[]): SQL => {
  const list = sql.join(
    values.map((value) => sql`${value}`),
    sql`, `,
  );
  return values.length === 0 ? sql`1 = 0` : sql`(${column} IN (${list}) AND CAST(${column} AS BINARY) IN (${list}))`;
};

/** What the driver escapes by itself is not needed with this character. */
const likePattern = (prefix: string): string => `${prefix.replace(/[|%_]/g, '|$&')}%`;

/** MySQL and MariaDB: the same text, with `?` in place of numbered values. */
export const MYSQL_DIALECT: ArchiveDialect = {
  render: (query) => {
    const { text, values = [] } = toStatement(query);
    const inOrder: unknown[] = [];
    const marked = text.replace(/\$(\d+)/g, (_, number: string) => {
      inOrder.push(values[Number(number) - 1]);
      return '?';
    });
    return { text: marked, values: inOrder };
  },
  time: (text) => sql`CAST(${text} AS DATETIME(6))`,
  timeText: (column) => sql`CAST(${column} AS CHAR)`,
  isOneOf,
  // One value however many there are: statements have a limit of values.
  isNoneOf: (column, values) =>
    sql`CAST(${column} AS BINARY) NOT IN (
      SELECT CAST(j.one AS BINARY) FROM JSON_TABLE(${JSON.stringify(values)}, '$[*]' COLUMNS (one varchar(256) PATH '$')) j)`,
  startsWith: (column, prefix) =>
    sql`(${column} LIKE ${likePattern(prefix)} ESCAPE '|' AND LOCATE(CAST(${prefix} AS BINARY), ${column}) = 1)`,
  contains: (column, part) => sql`LOCATE(CAST(${part} AS BINARY), ${column}) > 0`,
  compareNumber: (column, operator, value) =>
    sql`(${column} REGEXP '^-?[0-9]+$' AND CAST(${column} AS DECIMAL(65, 0)) ${sql.raw(operator === 'gt' ? '>' : '<')} ${value})`,
  partial: PARTIAL,
  whole: sql`a.workflow`,
  parsePartial,
  parseWhole: (text) => JSON.parse(text) as unknown,
};
