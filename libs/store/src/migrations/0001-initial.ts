/**
 * Our own tables. Bodies are `json`, not `jsonb`: they are written and read whole, keep their order, and may hold U+0000, which a
 * user's container can print and which jsonb refuses. What a query needs stands in columns. Times are milliseconds since 1970.
 */
export const INITIAL_SQL = `
CREATE TABLE workflows (
  uid text PRIMARY KEY,
  namespace text NOT NULL,
  name text NOT NULL,
  generate_name text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  annotations json NOT NULL DEFAULT '{}',
  submitted json NOT NULL,
  instance_id text NOT NULL DEFAULT '',
  created_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  CONSTRAINT workflows_namespace_name UNIQUE (namespace, name)
);
CREATE INDEX workflows_by_age ON workflows (created_at_ms DESC, uid DESC);
CREATE INDEX workflows_by_namespace_age ON workflows (namespace, created_at_ms DESC, uid DESC);
CREATE INDEX workflows_deleted ON workflows (uid) WHERE deleted_at_ms IS NOT NULL;

CREATE SEQUENCE workflow_revisions;

CREATE TABLE workflow_state (
  uid text PRIMARY KEY,
  version bigint NOT NULL DEFAULT 0,
  visible_version bigint NOT NULL DEFAULT 0,
  revision bigint NOT NULL DEFAULT nextval('workflow_revisions'),
  tree_epoch integer NOT NULL DEFAULT 0,
  node_revision bigint NOT NULL DEFAULT 0,
  engine_level integer NOT NULL DEFAULT 0,
  phase text NOT NULL DEFAULT '',
  message text NOT NULL DEFAULT '',
  progress text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  started_at_ms bigint,
  finished_at_ms bigint,
  completed boolean NOT NULL DEFAULT false,
  next_wake_at_ms bigint,
  expires_at_ms bigint,
  updated_at_ms bigint NOT NULL,
  header json
) WITH (fillfactor = 80);
CREATE INDEX workflow_state_open ON workflow_state (uid) WHERE NOT completed;
CREATE INDEX workflow_state_expiry ON workflow_state (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

CREATE TABLE workflow_nodes (
  workflow text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  type text NOT NULL,
  phase text NOT NULL,
  boundary_id text NOT NULL,
  parents text[] NOT NULL,
  ordinal integer NOT NULL,
  revision bigint NOT NULL,
  tombstone boolean NOT NULL DEFAULT false,
  body json,
  PRIMARY KEY (workflow, id)
);
CREATE INDEX workflow_nodes_by_revision ON workflow_nodes (workflow, revision);
CREATE INDEX workflow_nodes_by_ordinal ON workflow_nodes (workflow, ordinal, id);

CREATE TABLE workflow_inbox (
  id bigserial PRIMARY KEY,
  workflow text NOT NULL,
  kind text NOT NULL,
  subject text NOT NULL DEFAULT '',
  body json NOT NULL,
  created_at_ms bigint NOT NULL
);
CREATE INDEX workflow_inbox_by_workflow ON workflow_inbox (workflow, id);

CREATE TABLE workflow_requests (
  request_id text PRIMARY KEY,
  workflow text NOT NULL,
  created_at_ms bigint NOT NULL,
  answered_at_ms bigint,
  outcome json
);
CREATE INDEX workflow_requests_by_workflow ON workflow_requests (workflow);

CREATE TABLE pods (
  workflow text NOT NULL,
  node_id text NOT NULL,
  incarnation integer NOT NULL,
  name text NOT NULL,
  namespace text NOT NULL,
  bucket smallint NOT NULL,
  desired text NOT NULL CHECK (desired IN ('run', 'terminate', 'delete')),
  manifest json NOT NULL,
  created_at_ms bigint NOT NULL,
  changed_at_ms bigint NOT NULL,
  PRIMARY KEY (workflow, node_id, incarnation)
);
CREATE INDEX pods_by_bucket ON pods (workflow, bucket);
CREATE INDEX pods_active ON pods (workflow, bucket) WHERE desired <> 'delete';

CREATE TABLE pod_status (
  workflow text NOT NULL,
  node_id text NOT NULL,
  incarnation integer NOT NULL,
  host text NOT NULL,
  phase text NOT NULL,
  phase_rank smallint NOT NULL,
  observed json,
  claimed_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  deleted_at_ms bigint,
  PRIMARY KEY (workflow, node_id, incarnation)
) WITH (fillfactor = 80);
CREATE INDEX pod_status_present ON pod_status (workflow, node_id, incarnation) WHERE deleted_at_ms IS NULL;
CREATE INDEX pod_status_gone ON pod_status (deleted_at_ms) WHERE deleted_at_ms IS NOT NULL;
CREATE INDEX pod_status_by_host ON pod_status (host, workflow, node_id, incarnation) WHERE phase_rank < 3;

CREATE TABLE pod_hosts (
  host text PRIMARY KEY,
  url text NOT NULL,
  runtime text NOT NULL DEFAULT '',
  seen_at_ms bigint NOT NULL
);

CREATE TABLE handoffs (
  queue text NOT NULL,
  workflow text NOT NULL,
  version bigint NOT NULL,
  requested_at_ms bigint NOT NULL,
  PRIMARY KEY (queue, workflow, version)
);

CREATE TABLE record_marks (
  workflow text PRIMARY KEY,
  version bigint NOT NULL,
  encoding text NOT NULL,
  offload_version text NOT NULL DEFAULT '',
  cost_ms integer NOT NULL,
  recorded_at_ms bigint NOT NULL
);

CREATE TABLE archive_marks (
  workflow text PRIMARY KEY,
  version bigint NOT NULL,
  archived boolean NOT NULL,
  archived_at_ms bigint NOT NULL
);

CREATE TABLE artifact_gc_plans (
  workflow text NOT NULL,
  strategy text NOT NULL,
  planned_at_ms bigint NOT NULL,
  PRIMARY KEY (workflow, strategy)
);

CREATE TABLE artifact_deletions (
  id bigserial PRIMARY KEY,
  workflow text NOT NULL,
  workflow_name text NOT NULL,
  namespace text NOT NULL,
  node_id text NOT NULL,
  artifact_name text NOT NULL,
  object_id text NOT NULL,
  strategy text NOT NULL,
  location json NOT NULL,
  state text NOT NULL DEFAULT 'pending',
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  next_try_at_ms bigint NOT NULL,
  created_at_ms bigint NOT NULL,
  finished_at_ms bigint,
  CONSTRAINT artifact_deletions_object UNIQUE (workflow, object_id)
);
CREATE INDEX artifact_deletions_due ON artifact_deletions (next_try_at_ms, id) WHERE state = 'pending';

CREATE TABLE locks (
  name text NOT NULL,
  holder text NOT NULL,
  workflow text NOT NULL,
  incarnation integer NOT NULL DEFAULT 0,
  acquired_at_ms bigint NOT NULL,
  PRIMARY KEY (name, holder)
);
CREATE INDEX locks_by_workflow ON locks (workflow);

CREATE TABLE lock_waiters (
  name text NOT NULL,
  holder text NOT NULL,
  workflow text NOT NULL,
  incarnation integer NOT NULL DEFAULT 0,
  priority integer NOT NULL DEFAULT 0,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (name, holder)
);
CREATE INDEX lock_waiters_in_turn ON lock_waiters (name, priority DESC, created_at_ms, holder);
CREATE INDEX lock_waiters_by_workflow ON lock_waiters (workflow);

CREATE TABLE admission (
  scope text PRIMARY KEY,
  running integer NOT NULL DEFAULT 0,
  updated_at_ms bigint NOT NULL
);

CREATE TABLE schedules (
  namespace text NOT NULL,
  name text NOT NULL,
  uid text NOT NULL,
  next_run_at_ms bigint,
  last_scheduled_at_ms bigint,
  body json NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (namespace, name)
);
CREATE INDEX schedules_next ON schedules (next_run_at_ms) WHERE next_run_at_ms IS NOT NULL;

CREATE TABLE resources (
  uid text PRIMARY KEY,
  kind text NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  created_version bigint NOT NULL,
  labels jsonb NOT NULL DEFAULT '{}',
  body json NOT NULL,
  deleted boolean NOT NULL DEFAULT false,
  changed_at_ms bigint NOT NULL
);
CREATE UNIQUE INDEX resources_name ON resources (kind, namespace, name) WHERE NOT deleted;
CREATE INDEX resources_by_version ON resources (kind, version);
CREATE INDEX resources_tombstones ON resources (version) WHERE deleted;

CREATE TABLE resource_counter (
  id integer PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL,
  compacted_version bigint NOT NULL
);
INSERT INTO resource_counter (id, version, compacted_version) VALUES (1, 0, 0);
`;
