import { type ArtifactGcReport, type InboxEntry, type PodReport } from '#libs/engine';

import { type Database } from '../connection/database.js';
import { type StoredInboxRow, toInboxEntry } from './inbox-rows.js';

/** Something to tell the scheduler about a workflow. Requests go through RequestRepository, pod reports usually through PodStatusRepository. */
export type NewInboxEntry =
  | { workflow: string; kind: 'pod'; report: PodReport }
  | { workflow: string; kind: 'artifactGc'; report: ArtifactGcReport }
  | { workflow: string; kind: 'poke' };

/** What the scheduler has to look at, by workflow. Rows are deleted by the commit that took them over. */
export class InboxRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Oldest first. */
  async read(workflow: string, limit: number): Promise<InboxEntry[]> {
    const rows = await this.#database.run<StoredInboxRow>({
      name: 'inbox-read',
      text: 'SELECT id, kind, subject, body FROM workflow_inbox WHERE workflow = $1 ORDER BY id LIMIT $2',
      values: [workflow, limit],
    });
    return rows.map(toInboxEntry);
  }

  async insertMany(entries: readonly NewInboxEntry[], nowMs: number): Promise<void> {
    if (entries.length === 0) return;
    await this.#database.run({
      name: 'inbox-insert',
      text: `
        INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
        SELECT e.workflow, e.kind, e.subject, e.body, $5
        FROM unnest($1::text[], $2::text[], $3::text[], $4::json[]) AS e (workflow, kind, subject, body)`,
      values: [
        entries.map(({ workflow }) => workflow),
        entries.map(({ kind }) => kind),
        entries.map((entry) => (entry.kind === 'pod' ? entry.report.nodeId : '')),
        entries.map((entry) => JSON.stringify(entry.kind === 'poke' ? {} : entry.report)),
        nowMs,
      ],
    });
  }
}
