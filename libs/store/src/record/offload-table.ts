import { type NodeStatus } from '#libs/workflow-spec';

import { withPlaceholders } from '../argo-database/placeholders.js';
import { StoreCorruptError } from '../errors.js';
import { type OffloadedVersion } from './offload-notes.repository.js';

/** What the table needs of a database: statements with `$1` on Postgres and `?` on MySQL. */
export interface OffloadDatabase {
  readonly dialect: 'postgres' | 'mysql';
  run<Row = Record<string, unknown>>(statement: { text: string; values?: unknown[] }): Promise<Row[]>;
}

export interface OffloadTableOptions {
  /** Argo's `tableName`; default `argo_workflows`. */
  tableName?: string | undefined;
  /** Column `clustername`; default `default`. */
  clusterName?: string | undefined;
}

interface Row extends OffloadedVersion {
  namespace: string;
  /** JSON text of the map. */
  nodes: string;
  nowMs: number;
}

/** Both servers take this; sessions are in UTC. */
const timestamp = (timeMs: number): string => new Date(timeMs).toISOString().replace('T', ' ').slice(0, -1);

/**
 * Argo's table of offloaded nodes in a database that is not ours, on Postgres or MySQL: the same columns and versions as Argo v4.1, so
 * either reads what the other wrote. Rejects with the errors of the database that it is given.
 */
export class OffloadTable {
  readonly #database: OffloadDatabase;
  readonly #table: string;
  readonly #clusterName: string;

  constructor(database: OffloadDatabase, { tableName = 'argo_workflows', clusterName = 'default' }: OffloadTableOptions = {}) {
    this.#database = database;
    const quote = database.dialect === 'mysql' ? '`' : '"';
    this.#table = quote + tableName.replaceAll(quote, quote + quote) + quote;
    this.#clusterName = clusterName;
  }

  /** The same version twice is one row, which counts as written now. */
  async save({ uid, version, namespace, nodes, nowMs }: Row): Promise<void> {
    const columns = 'uid, namespace, clustername, version, nodes, creationtimestamp, updatedat';
    const again =
      this.#database.dialect === 'mysql'
        ? 'ON DUPLICATE KEY UPDATE updatedat = VALUES(updatedat)'
        : 'ON CONFLICT (clustername, uid, version) DO UPDATE SET updatedat = excluded.updatedat';
    await this.#run(`INSERT INTO ${this.#table} (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ${again}`, [
      uid,
      namespace,
      this.#clusterName,
      version,
      nodes,
      timestamp(nowMs),
      timestamp(nowMs),
    ]);
  }

  /** The nodes of a version; undefined where there is no such row. Throws StoreCorruptError where they are no JSON. */
  async read({ uid, version }: OffloadedVersion): Promise<Record<string, NodeStatus> | undefined> {
    const [row] = await this.#run<{ nodes: Record<string, NodeStatus> | string }>(
      `SELECT nodes FROM ${this.#table} WHERE clustername = ? AND uid = ? AND version = ?`,
      [this.#clusterName, uid, version],
    );
    if (typeof row?.nodes !== 'string') return row?.nodes;
    try {
      return JSON.parse(row.nodes) as Record<string, NodeStatus>;
    } catch (cause) {
      throw new StoreCorruptError(`the offloaded nodes ${version} of ${uid} cannot be read`, { cause });
    }
  }

  /** Those of the versions that have a row. */
  async standing(versions: readonly OffloadedVersion[]): Promise<OffloadedVersion[]> {
    if (versions.length === 0) return [];
    const keys = versions.map(() => '(?, ?)').join(', ');
    return this.#run<OffloadedVersion>(
      `SELECT uid, version FROM ${this.#table} WHERE clustername = ? AND (uid, version) IN (${keys})`,
      [this.#clusterName, ...versions.flatMap(({ uid, version }) => [uid, version])],
    );
  }

  /** Rows that are gone already are no error. */
  async delete(versions: readonly OffloadedVersion[]): Promise<void> {
    if (versions.length === 0) return;
    const keys = versions.map(() => '(?, ?)').join(', ');
    await this.#run(`DELETE FROM ${this.#table} WHERE clustername = ? AND (uid, version) IN (${keys})`, [
      this.#clusterName,
      ...versions.flatMap(({ uid, version }) => [uid, version]),
    ]);
  }

  #run<Found = Record<string, unknown>>(text: string, values: unknown[]): Promise<Found[]> {
    return this.#database.run<Found>({ text: withPlaceholders(this.#database.dialect, text), values });
  }
}
