import { type SQL } from 'drizzle-orm';

import { type Statement } from './database.js';
import { PgDialect } from './drizzle.js';

const dialect = new PgDialect();

/** A composed condition tree as text and values, for statements whose conditions depend on the caller's filter. */
export function toStatement(query: SQL): Statement {
  const { sql: text, params } = dialect.sqlToQuery(query);
  return { text, values: params };
}
