import { type Executor } from '../connection/database.js';

/** Our own side of an archive that is elsewhere: which workflows are in it, and who is still alive. */
export class ArchiveMarks {
  readonly #database: Executor;

  constructor(database: Executor) {
    this.#database = database;
  }

  /** The workflow is in the archive as of this version; takes the handoff off. A newer mark stays. */
  archived(workflow: string, version: number, nowMs: number): Promise<void> {
    return this.#mark(workflow, { version, nowMs, archived: true });
  }

  /** The workflow is not to be archived (switched off, or not selected): notes that and takes the handoff off. */
  skipped(workflow: string, version: number, nowMs: number): Promise<void> {
    return this.#mark(workflow, { version, nowMs, archived: false });
  }

  /** Uids of live workflows that may be in the archive as well: those that have ended, now or before a retry. */
  async liveArchived(): Promise<string[]> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'archive-live',
      text: `
        SELECT w.uid FROM workflows w JOIN workflow_state s ON s.uid = w.uid
        WHERE w.deleted_at_ms IS NULL AND (s.completed OR EXISTS (SELECT 1 FROM archive_marks m WHERE m.workflow = w.uid AND m.archived))`,
    });
    return rows.map(({ uid }) => uid);
  }

  /** The mark before the handoff, as a workflow is deleted in that order too. */
  async #mark(workflow: string, mark: { version: number; nowMs: number; archived: boolean }): Promise<void> {
    const { version, nowMs, archived } = mark;
    await this.#database.run({
      name: archived ? 'archive-mark' : 'archive-skip',
      text: `
        WITH marked AS (
          INSERT INTO archive_marks AS m (workflow, version, archived, archived_at_ms) VALUES ($1, $2, ${String(archived)}, $3)
          ON CONFLICT (workflow) DO UPDATE
            SET version = excluded.version, archived_at_ms = excluded.archived_at_ms${archived ? ', archived = true' : ''}
            WHERE m.version < excluded.version
          RETURNING 1
        )
        DELETE FROM handoffs WHERE queue = 'archive' AND workflow = $1 AND version <= $2 AND (SELECT count(*) FROM marked) <= 1`,
      values: [workflow, version, nowMs],
    });
  }
}
