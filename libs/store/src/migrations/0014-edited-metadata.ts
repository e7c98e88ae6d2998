/** Annotations that a run and people's edits have given a workflow since it was submitted; null in it: taken off. */
export const EDITED_METADATA_SQL = `
ALTER TABLE workflow_state ADD COLUMN annotations jsonb;
`;
