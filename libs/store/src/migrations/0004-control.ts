/** Remembered outputs of nodes, and what the last good run of a template is found by. */
export const CONTROL_SQL = `
CREATE TABLE memo_entries (
  namespace text NOT NULL,
  cache text NOT NULL,
  key text NOT NULL,
  entry json NOT NULL,
  last_hit_at_ms bigint NOT NULL,
  PRIMARY KEY (namespace, cache, key)
);
CREATE INDEX memo_entries_unused ON memo_entries (last_hit_at_ms);
CREATE INDEX workflows_by_template ON workflows (namespace, (labels ->> 'workflows.argoproj.io/workflow-template'), created_at_ms DESC)
  WHERE labels ->> 'workflows.argoproj.io/workflow-template' IS NOT NULL;
CREATE INDEX workflows_by_cluster_template
  ON workflows (namespace, (labels ->> 'workflows.argoproj.io/cluster-workflow-template'), created_at_ms DESC)
  WHERE labels ->> 'workflows.argoproj.io/cluster-workflow-template' IS NOT NULL;
`;
