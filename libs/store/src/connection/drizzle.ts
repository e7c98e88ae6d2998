import { createRequire } from 'node:module';
import type * as DrizzleOrm from 'drizzle-orm';
import type * as PgCore from 'drizzle-orm/pg-core';

/**
 * drizzle as CommonJS. Loading its modules one by one as ES modules makes Node parse the package's large package.json for each of
 * them: half a second and 200 MB at every start.
 */
const load = createRequire(import.meta.url);

export const { sql } = load('drizzle-orm') as typeof DrizzleOrm;

export const {
  bigint,
  bigserial,
  boolean,
  index,
  integer,
  json,
  jsonb,
  PgDialect,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  varchar,
} = load('drizzle-orm/pg-core') as typeof PgCore;
