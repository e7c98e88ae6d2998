/**
 * Locks and admission. The tables of these names that 0001 made were never written; they are made anew with the workflow's uid in their
 * keys, because names of workflows come back. `sync_limit` has Argo's columns: people fill it with SQL.
 */
export const LOCKS_SQL = `
DROP TABLE IF EXISTS locks;
DROP TABLE IF EXISTS lock_waiters;
DROP TABLE IF EXISTS admission;

CREATE TABLE lock_limits (
  name text PRIMARY KEY,
  size_limit bigint NOT NULL,
  source json,
  changed_at_ms bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE locks (
  name text NOT NULL,
  workflow text NOT NULL,
  holder text NOT NULL,
  attempt bigint NOT NULL,
  acquired_at_ms bigint NOT NULL,
  PRIMARY KEY (name, workflow, holder)
);
CREATE INDEX locks_by_workflow ON locks (workflow, holder);

CREATE TABLE lock_waiters (
  name text NOT NULL,
  workflow text NOT NULL,
  holder text NOT NULL,
  attempt bigint NOT NULL,
  priority integer NOT NULL,
  created_at_ms bigint NOT NULL,
  serial bigint NOT NULL,
  position integer NOT NULL,
  shown text NOT NULL,
  kind text NOT NULL,
  PRIMARY KEY (name, workflow, holder)
);
CREATE INDEX lock_waiters_in_turn ON lock_waiters (name, priority DESC, created_at_ms, serial);
CREATE INDEX lock_waiters_by_workflow ON lock_waiters (workflow, holder);
CREATE SEQUENCE lock_claims;

CREATE TABLE admission (
  workflow text PRIMARY KEY,
  namespace text NOT NULL,
  priority integer NOT NULL,
  created_at_ms bigint NOT NULL,
  serial bigserial,
  admitted boolean NOT NULL,
  changed_at_ms bigint NOT NULL
);
CREATE INDEX admission_in_turn ON admission (priority DESC, created_at_ms, serial) WHERE NOT admitted;
CREATE INDEX admission_running ON admission (namespace) WHERE admitted;

CREATE TABLE sync_limit (
  name varchar(256) PRIMARY KEY,
  sizelimit integer NOT NULL
);
`;
