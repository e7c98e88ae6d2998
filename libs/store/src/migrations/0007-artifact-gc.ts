/**
 * Objects of a folder have rows of their own below the folder's row, which go as they are deleted; rows of one workflow are read in
 * their order; keys of the installation are made once.
 */
export const ARTIFACT_GC_SQL = `
ALTER TABLE artifact_deletions ADD COLUMN parent_id bigint;
ALTER TABLE artifact_deletions ADD COLUMN give_up boolean NOT NULL DEFAULT false;
ALTER TABLE artifact_deletions ADD COLUMN lender_namespace text;
CREATE INDEX artifact_deletions_in_turn ON artifact_deletions (workflow, id) WHERE state = 'pending';
CREATE INDEX artifact_deletions_by_name ON artifact_deletions (namespace, workflow_name, id);
CREATE INDEX artifact_deletions_by_parent ON artifact_deletions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX artifact_deletions_failing ON artifact_deletions (workflow, id) WHERE last_error IS NOT NULL;
CREATE INDEX artifact_deletions_finished ON artifact_deletions (finished_at_ms) WHERE finished_at_ms IS NOT NULL;

CREATE TABLE installation_keys (
  name text PRIMARY KEY,
  value text NOT NULL,
  created_at_ms bigint NOT NULL
);
`;
