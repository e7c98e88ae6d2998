import { type Database } from '../connection/database.js';

/** A replica that says that it is there. */
export interface ShardHolder {
  holder: string;
  /** Its leases are good until then, by the database's clock; milliseconds since 1970. */
  untilMs: number;
  /** It is about to end, and gives its shards away. */
  isLeaving: boolean;
}

/** One part of the pods of a host. '' stands for nobody. */
export interface ShardRow {
  shard: number;
  holder: string;
  /** Who takes it over as soon as it follows the shard as well. */
  heir: string;
}

/** How a shard changes hands: only where it is still as it was read. */
export interface ShardMove {
  from: ShardRow;
  to: ShardRow;
}

/** What all replicas of a host have said, with the moment of the reading. */
export interface ShardView {
  /** The database's clock: the only one that all replicas share. */
  nowMs: number;
  holders: ShardHolder[];
  shards: ShardRow[];
  /** Until when the leases of the asking replica were good before this beat; undefined where it was not known. */
  wasUntilMs: number | undefined;
}

/** Replicas that were silent for this long are forgotten. */
const FORGOTTEN_AFTER_MS = 3_600_000;

interface ViewRow {
  now_ms: string;
  holders: ShardHolder[] | null;
  shards: ShardRow[] | null;
}

/**
 * Leases of the shards of a host by its replicas. Each replica writes its own row of holders, which is the lease of all that it holds; a row of a shard is written by
 * whoever takes it, as a compare-and-set on what was read, so two never take the same from one reading.
 */
export class ShardLeaseRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes the rows of `count` shards, which nobody holds at first. */
  async prepare(host: string, count: number): Promise<void> {
    await this.#database.run({
      name: 'shards-prepare',
      text: "INSERT INTO pod_shards (host, shard, holder, heir) SELECT $1, s, '', '' FROM generate_series(0, $2::integer - 1) s ON CONFLICT DO NOTHING",
      values: [host, count],
    });
  }

  /** Renews the leases of a replica for `leaseMs` from now, by the database's clock, and tells what all have said. */
  async beat(beat: { host: string; holder: string; leaseMs: number; isLeaving: boolean }): Promise<ShardView> {
    const { host, holder, leaseMs, isLeaving } = beat;
    const [row] = await this.#database.run<ViewRow>({
      name: 'shards-beat',
      text: `
        WITH clock AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms),
        mine AS (
          INSERT INTO pod_shard_holders (host, holder, until_ms, leaving) SELECT $1, $2, now_ms + $3::bigint, $4 FROM clock
          ON CONFLICT (host, holder) DO UPDATE SET until_ms = excluded.until_ms, leaving = excluded.leaving
        ), forgotten AS (
          DELETE FROM pod_shard_holders h USING clock
          WHERE h.host = $1 AND h.holder <> $2 AND h.until_ms < clock.now_ms - ${FORGOTTEN_AFTER_MS}
        )
        SELECT now_ms,
          (SELECT json_agg(json_build_object('holder', holder, 'untilMs', until_ms, 'isLeaving', leaving) ORDER BY holder)
            FROM pod_shard_holders WHERE host = $1) AS holders,
          (SELECT json_agg(json_build_object('shard', shard, 'holder', holder, 'heir', heir) ORDER BY shard)
            FROM pod_shards WHERE host = $1) AS shards
        FROM clock`,
      values: [host, holder, leaseMs, isLeaving],
    });
    // The statement reads what was there before it.
    const before = row?.holders ?? [];
    const nowMs = Number(row?.now_ms);
    return {
      nowMs,
      holders: [...before.filter((other) => other.holder !== holder), { holder, untilMs: nowMs + leaseMs, isLeaving }],
      shards: row?.shards ?? [],
      wasUntilMs: before.find((other) => other.holder === holder)?.untilMs,
    };
  }

  /** Makes those of the moves whose shards are still as they were read; gives their numbers. */
  async move(host: string, moves: readonly ShardMove[]): Promise<Set<number>> {
    if (moves.length === 0) return new Set();
    const rows = await this.#database.run<{ shard: number }>({
      name: 'shards-move',
      text: `
        WITH wanted AS (
          SELECT * FROM unnest($2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS w (shard, was_holder, was_heir, holder, heir)
        ), unchanged AS (
          SELECT p.shard FROM pod_shards p JOIN wanted w ON w.shard = p.shard AND w.was_holder = p.holder AND w.was_heir = p.heir
          WHERE p.host = $1 ORDER BY p.shard FOR UPDATE OF p
        )
        UPDATE pod_shards p SET holder = w.holder, heir = w.heir FROM wanted w JOIN unchanged u USING (shard)
        WHERE p.host = $1 AND p.shard = w.shard RETURNING p.shard::integer AS shard`,
      values: [
        host,
        moves.map(({ from }) => from.shard),
        moves.map(({ from }) => from.holder),
        moves.map(({ from }) => from.heir),
        moves.map(({ to }) => to.holder),
        moves.map(({ to }) => to.heir),
      ],
    });
    return new Set(rows.map(({ shard }) => shard));
  }

  /** The replica is gone: what it still holds is anybody's. */
  async leave(host: string, holder: string): Promise<void> {
    await this.#database.run({
      name: 'shards-leave',
      text: 'DELETE FROM pod_shard_holders WHERE host = $1 AND holder = $2',
      values: [host, holder],
    });
  }
}
