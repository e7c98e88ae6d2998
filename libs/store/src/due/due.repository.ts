import { type Database } from '../connection/database.js';
import { type HandoffQueue } from '../state/commit.js';

export interface DuePageQuery {
  /** Uid to begin after; '' or absent: from the start. */
  after?: string;
  nowMs: number;
  /** Only what has been due since before this. */
  overdueBeforeMs: number;
  limit: number;
}

/** What the sweepers look for: rows that are due and whose hint seems to be lost. Pages of uids in key order; a full page means more may follow. */
export class DueRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Workflows with unread inbox entries, a passed wake-up time, no decision yet, or a deletion that was asked for. */
  async workflows(query: DuePageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'due-workflows',
      text: `
        (SELECT DISTINCT i.workflow AS uid FROM workflow_inbox i JOIN workflow_state s ON s.uid = i.workflow
          WHERE i.workflow > $1 AND i.created_at_ms <= $2 ORDER BY 1 LIMIT $3)
        UNION
        (SELECT uid FROM workflow_state
          WHERE NOT completed AND uid > $1 AND (next_wake_at_ms <= $2 OR version = 0 AND updated_at_ms <= $2) ORDER BY 1 LIMIT $3)
        UNION
        (SELECT uid FROM workflows WHERE deleted_at_ms <= $2 AND uid > $1 ORDER BY 1 LIMIT $3)
        ORDER BY 1 LIMIT $3`,
      values: [query.after ?? '', query.overdueBeforeMs, query.limit],
    });
    return rows.map(({ uid }) => uid);
  }

  /** Workflows whose public record is older than their rows. */
  async records(query: DuePageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'due-records',
      text: `
        (SELECT s.uid FROM workflow_state s LEFT JOIN record_marks m ON m.workflow = s.uid
          WHERE NOT s.completed AND s.uid > $1 AND s.updated_at_ms <= $2 AND s.visible_version > coalesce(m.version, -1) ORDER BY 1 LIMIT $3)
        UNION
        (SELECT DISTINCT workflow FROM handoffs WHERE queue = 'record' AND workflow > $1 AND requested_at_ms <= $2 ORDER BY 1 LIMIT $3)
        ORDER BY 1 LIMIT $3`,
      values: [query.after ?? '', query.overdueBeforeMs, query.limit],
    });
    return rows.map(({ uid }) => uid);
  }

  /** Workflows that a commit handed to `queue` and that have not been taken off it. */
  async handoffs(queue: HandoffQueue, query: DuePageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ workflow: string }>({
      name: 'due-handoffs',
      text: `
        SELECT DISTINCT workflow FROM handoffs WHERE queue = $4 AND workflow > $1 AND requested_at_ms <= $2 ORDER BY 1 LIMIT $3`,
      values: [query.after ?? '', query.overdueBeforeMs, query.limit, queue],
    });
    return rows.map(({ workflow }) => workflow);
  }

  /** Workflows with artifact deletions to plan, or planned and due. */
  async artifactDeletions(query: DuePageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'due-artifact-deletions',
      text: `
        (SELECT DISTINCT workflow AS uid FROM handoffs WHERE queue = 'artifact-gc' AND workflow > $1 AND requested_at_ms <= $2 ORDER BY 1 LIMIT $3)
        UNION
        (SELECT DISTINCT workflow FROM artifact_deletions
          WHERE state = 'pending' AND workflow > $1 AND next_attempt_at_ms <= $2 ORDER BY 1 LIMIT $3)
        ORDER BY 1 LIMIT $3`,
      values: [query.after ?? '', query.overdueBeforeMs, query.limit],
    });
    return rows.map(({ uid }) => uid);
  }
}
