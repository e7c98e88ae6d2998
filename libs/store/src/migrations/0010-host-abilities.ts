/** What the pods of a host can be given, so that a workflow which no host can run is refused when it is submitted. */
export const HOST_ABILITIES_SQL = `
ALTER TABLE pod_hosts ADD COLUMN abilities json;
`;
