import { getTableColumns, getTableName, type Table } from 'drizzle-orm';
import { expect, it } from 'vitest';

import { testStore } from '#libs/testing';

import * as argoTables from './argo-tables.js';
import * as lockTables from './lock-tables.js';
import * as podTables from './pod-tables.js';
import * as serviceTables from './service-tables.js';
import * as workflowTables from './workflow-tables.js';

const { store } = await testStore({ nowMs: () => 0 });

const declared: Table[] = Object.values({ ...workflowTables, ...lockTables, ...podTables, ...serviceTables, ...argoTables });

/** Postgres' short names as drizzle writes them. */
const typeOf = (type: string): string => type.replace('character varying', 'varchar').replace(' without time zone', '');

it('declares every table that the migrations make, column by column', async () => {
  const rows = await store.database.run<{ table: string; column: string; type: string; required: boolean }>({
    text: `
      SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'argosy_migrations'`,
  });
  const migrated = rows.map((row) => `${row.table}.${row.column} ${typeOf(row.type)}${row.required ? ' NOT NULL' : ''}`).sort();
  const expected = declared
    .flatMap((table) =>
      Object.values(getTableColumns(table)).map(
        (column) =>
          `${getTableName(table)}.${column.name} ${column.getSQLType().replace('bigserial', 'bigint')}${column.notNull ? ' NOT NULL' : ''}`,
      ),
    )
    .sort();
  expect(migrated).toEqual(expected);
  expect(declared.length).toBe(31);
});
