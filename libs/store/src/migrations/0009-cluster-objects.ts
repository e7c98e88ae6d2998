/** Which workflows have an object on a cluster, which is their door: when the object is gone, the workflow is deleted. */
export const CLUSTER_OBJECTS_SQL = `
ALTER TABLE workflows ADD COLUMN cluster_object boolean NOT NULL DEFAULT false;
CREATE INDEX workflows_cluster_objects ON workflows (uid) WHERE cluster_object AND deleted_at_ms IS NULL;
`;
