import { type Database } from '../connection/database.js';

/** An offloaded version: the key of a row in Argo's table. */
export interface OffloadedVersion {
  uid: string;
  version: string;
}

/** What was offloaded to databases other than this one. Written by the offloader only. */
export class OffloadNotesRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** To be called before the nodes are written there, so that no row is ever forgotten. */
  async note(place: string, { uid, version }: OffloadedVersion, nowMs: number): Promise<void> {
    await this.#database.run({
      name: 'offload-note',
      text: `
        INSERT INTO offload_notes (place, workflow, version, written_at_ms) VALUES ($1, $2, $3, $4)
        ON CONFLICT (place, workflow, version) DO UPDATE SET written_at_ms = excluded.written_at_ms`,
      values: [place, uid, version, nowMs],
    });
  }

  /** Versions written there before `beforeMs` that no record names, the oldest first. */
  async unnamed(place: string, beforeMs: number, limit: number): Promise<OffloadedVersion[]> {
    return this.#database.run<OffloadedVersion & Record<string, unknown>>({
      name: 'offload-unnamed',
      text: `
        SELECT n.workflow AS uid, n.version FROM offload_notes n
        LEFT JOIN record_marks m ON m.workflow = n.workflow AND m.offload_version = n.version
        WHERE n.place = $1 AND n.written_at_ms < $2 AND m.workflow IS NULL ORDER BY n.written_at_ms LIMIT $3`,
      values: [place, beforeMs, limit],
    });
  }

  /** To be called after the rows are gone there. */
  async forget(place: string, versions: readonly OffloadedVersion[]): Promise<void> {
    await this.#database.run({
      name: 'offload-forget',
      text: `
        DELETE FROM offload_notes n USING unnest($2::text[], $3::text[]) AS gone (workflow, version)
        WHERE n.place = $1 AND n.workflow = gone.workflow AND n.version = gone.version`,
      values: [place, versions.map(({ uid }) => uid), versions.map(({ version }) => version)],
    });
  }
}
