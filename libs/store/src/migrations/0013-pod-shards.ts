/** Which pod-manager follows which part of the pods of a host that several share. Losing the rows costs a look at all pods, no result. */
export const POD_SHARDS_SQL = `
CREATE TABLE pod_shard_holders (
  host text NOT NULL,
  holder text NOT NULL,
  until_ms bigint NOT NULL,
  leaving boolean NOT NULL,
  PRIMARY KEY (host, holder)
);
CREATE TABLE pod_shards (
  host text NOT NULL,
  shard smallint NOT NULL,
  holder text NOT NULL,
  heir text NOT NULL,
  PRIMARY KEY (host, shard)
);
`;
