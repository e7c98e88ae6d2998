import { type Database } from '../connection/database.js';
import { type HandoffQueue } from '../state/commit.js';

export interface DuePageQuery {
  /** Uid to begin after; '' or absent: from the start. */
  after?: string;
  /** Only what has been due since before this. */
  overdueBeforeMs: number;
  limit: number;
}

/** The version tells a row that is stuck from one that is busy. */
export interface DueWorkflow {
  uid: string;
  version: number;
}

/** What the sweepers look for: rows that are due and whose hint seems to be lost. Pages of uids in key order; a full page means more may follow. */
export class DueRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Workflows with unread inbox entries, a passed wake-up time, no decision yet, or a deletion that was asked for. */
  workflows(query: DuePageQuery): Promise<DueWorkflow[]> {
    return this.#page(
      'due-workflows',
      query,
      `
      (SELECT DISTINCT workflow AS uid FROM workflow_inbox WHERE workflow > $1 AND created_at_ms <= $2 ORDER BY 1 LIMIT $3)
      UNION
      (SELECT uid FROM workflow_state
        WHERE NOT completed AND uid > $1 AND (next_wake_at_ms <= $2 OR version = 0 AND updated_at_ms <= $2) ORDER BY 1 LIMIT $3)
      UNION
      (SELECT uid FROM workflows WHERE deleted_at_ms <= $2 AND uid > $1 ORDER BY 1 LIMIT $3)`,
    );
  }

  /** Workflows whose public record is older than their rows. */
  records(query: DuePageQuery): Promise<DueWorkflow[]> {
    return this.#page(
      'due-records',
      query,
      `
      (SELECT s.uid FROM workflow_state s LEFT JOIN record_marks m ON m.workflow = s.uid
        WHERE NOT s.completed AND s.uid > $1 AND s.updated_at_ms <= $2 AND s.visible_version > coalesce(m.version, -1) ORDER BY 1 LIMIT $3)
      UNION
      (SELECT DISTINCT workflow FROM handoffs WHERE queue = 'record' AND workflow > $1 AND requested_at_ms <= $2 ORDER BY 1 LIMIT $3)`,
    );
  }

  /** Workflows that a commit handed to `queue` and that have not been taken off it. */
  handoffs(queue: HandoffQueue, query: DuePageQuery): Promise<DueWorkflow[]> {
    return this.#page(
      `due-handoffs-${queue}`,
      query,
      `
      SELECT DISTINCT workflow AS uid FROM handoffs WHERE queue = '${queue}' AND workflow > $1 AND requested_at_ms <= $2 ORDER BY 1 LIMIT $3`,
    );
  }

  async #page(name: string, query: DuePageQuery, uids: string): Promise<DueWorkflow[]> {
    return this.#database.run<DueWorkflow>({
      name,
      text: `
        SELECT d.uid, s.version FROM (SELECT uid FROM (${uids}) found ORDER BY 1 LIMIT $3) d JOIN workflow_state s ON s.uid = d.uid ORDER BY 1`,
      values: [query.after ?? '', query.overdueBeforeMs, query.limit],
    });
  }
}
