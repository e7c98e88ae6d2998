import { type Database } from '../connection/database.js';

/** A program that runs pods, and where it serves their logs. */
export interface PodHost {
  host: string;
  url: string;
  /** Name of its runtime. */
  runtime: string;
  /** What its pods can be given (`RuntimeAbilities` of pod-spec); null: anything, or it did not say. */
  abilities?: object | null;
  seenAtMs: number;
}

/** Hosts of pods; each writes its own row. */
export class PodHostRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async upsert(host: PodHost): Promise<void> {
    await this.#database.run({
      name: 'host-upsert',
      text: `
        INSERT INTO pod_hosts (host, url, runtime, abilities, seen_at_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (host) DO UPDATE SET url = excluded.url, runtime = excluded.runtime,
          abilities = excluded.abilities, seen_at_ms = excluded.seen_at_ms`,
      values: [host.host, host.url, host.runtime, host.abilities ? JSON.stringify(host.abilities) : null, host.seenAtMs],
    });
  }

  async get(host: string): Promise<PodHost | undefined> {
    const rows = await this.#database.run<PodHost>({
      name: 'host-get',
      text: 'SELECT host, url, runtime, abilities, seen_at_ms AS "seenAtMs" FROM pod_hosts WHERE host = $1',
      values: [host],
    });
    return rows[0];
  }

  async list(): Promise<PodHost[]> {
    return this.#database.run<PodHost>({
      text: 'SELECT host, url, runtime, abilities, seen_at_ms AS "seenAtMs" FROM pod_hosts ORDER BY host',
    });
  }

  /** Forgets a host that holds no pod; one that still does stays known. */
  async removeIdle(host: string): Promise<void> {
    await this.#database.run({
      text: `
        DELETE FROM pod_hosts h WHERE h.host = $1
          AND NOT EXISTS (SELECT 1 FROM pod_status st WHERE st.host = h.host AND st.deleted_at_ms IS NULL)`,
      values: [host],
    });
  }
}
