/**
 * Offloaded nodes that were written to a database other than this one, noted before they are written: what is noted and named by no
 * record is pruned there, and rows that somebody else wrote to the same table are never touched. And which records are not
 * whole by themselves.
 */
export const OFFLOAD_SQL = `
CREATE TABLE offload_notes (
  place text NOT NULL,
  workflow text NOT NULL,
  version text NOT NULL,
  written_at_ms bigint NOT NULL,
  PRIMARY KEY (place, workflow, version)
);
CREATE INDEX offload_notes_by_age ON offload_notes (place, written_at_ms);
CREATE INDEX record_marks_apart ON record_marks (encoding) WHERE encoding IN ('omitted', 'offloaded');
`;
