/** Logs that are shipped while their containers run, until each is one object. Rows outlive their workflow. */
export const LOG_SHIPMENTS_SQL = `
CREATE TABLE log_shipments (
  workflow text NOT NULL,
  node_id text NOT NULL,
  incarnation integer NOT NULL,
  host text NOT NULL,
  namespace text NOT NULL,
  logs json NOT NULL,
  state text NOT NULL,
  attempts integer NOT NULL,
  last_error text,
  begun_at_ms bigint NOT NULL,
  next_try_at_ms bigint NOT NULL,
  PRIMARY KEY (workflow, node_id, incarnation)
);
CREATE INDEX log_shipments_ended ON log_shipments (next_try_at_ms) WHERE state = 'ended';
`;
