import { type Database } from '../connection/database.js';
import { type HandoffQueue } from '../state/commit.js';

/** Work that a commit left for a later service: the scheduler inserts, the service that did it takes it off. */
export class HandoffRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The newest version that was handed over, or undefined where nothing waits. */
  async latestVersion(queue: HandoffQueue, workflow: string): Promise<number | undefined> {
    const rows = await this.#database.run<{ version: number | null }>({
      name: 'handoff-latest',
      text: 'SELECT max(version) AS version FROM handoffs WHERE queue = $1 AND workflow = $2',
      values: [queue, workflow],
    });
    return rows[0]?.version ?? undefined;
  }

  /** Takes off what was done; a newer version that was handed over meanwhile stays. */
  async complete(queue: HandoffQueue, workflow: string, upToVersion: number): Promise<void> {
    await this.#database.run({
      name: 'handoff-complete',
      text: 'DELETE FROM handoffs WHERE queue = $1 AND workflow = $2 AND version <= $3',
      values: [queue, workflow, upToVersion],
    });
  }
}
