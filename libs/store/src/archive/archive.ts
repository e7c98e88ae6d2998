import { type Workflow } from '#libs/workflow-spec';

import { type ArgoDatabase } from '../argo-database/argo-database.js';
import { type Database } from '../connection/database.js';
import { ArchiveMarks } from './archive-marks.js';
import {
  type ArchivePage,
  type ArchiveQuery,
  type ArchiveStore,
  type ArchiveStoreOptions,
  type ArchiveWrite,
} from './archive-store.js';
import { MysqlArchiveStore } from './mysql-archive-store.js';
import { PostgresArchiveStore } from './postgres-archive-store.js';

/** Gives the database that holds the archive now; undefined: our own. */
export type ArchiveSource = () => Promise<ArgoDatabase | undefined>;

/** The archive in a database of its own. */
export const archiveIn = (database: ArgoDatabase, options: ArchiveStoreOptions = {}): ArchiveStore => {
  const { clusterName } = database.place;
  const named = { ...options, ...(clusterName === undefined ? {} : { clusterName }) };
  return database.dialect === 'mysql'
    ? new MysqlArchiveStore(database, named)
    : new PostgresArchiveStore(database, 'elsewhere', named);
};

/**
 * The archive wherever it is now, and our own marks of it. States: *beside our own tables* (until `follow`), *following* a source that is
 * asked with each call; the archive that was left stays as it is. Crash point elsewhere: after the row, before the mark: done again, the
 * version keeps it from changing anything.
 */
export class Archive implements ArchiveStore {
  readonly #own: PostgresArchiveStore;
  readonly #marks: ArchiveMarks;
  readonly #options: ArchiveStoreOptions;
  #source: ArchiveSource = () => Promise.resolve(undefined);
  #elsewhere: { database: ArgoDatabase; store: ArchiveStore } | undefined;

  constructor(database: Database, options: ArchiveStoreOptions = {}) {
    this.#own = new PostgresArchiveStore(database, 'beside our own tables', options);
    this.#marks = new ArchiveMarks(database);
    this.#options = options;
  }

  /** From now on the archive is where the source says. */
  follow(source: ArchiveSource): void {
    this.#source = source;
  }

  /** Writes the row, marks the workflow as archived, takes its handoff off. */
  async upsert(write: ArchiveWrite): Promise<'written' | 'unchanged'> {
    const elsewhere = await this.#storeElsewhere();
    if (elsewhere === undefined) return this.#own.upsert(write);
    const outcome = await elsewhere.upsert(write);
    await this.#marks.archived(write.workflow.metadata.uid ?? '', write.version, write.nowMs);
    return outcome;
  }

  /** The workflow is not to be archived (switched off, or not selected): notes that and takes the handoff off. */
  skip(workflow: string, version: number, nowMs: number): Promise<void> {
    return this.#marks.skipped(workflow, version, nowMs);
  }

  async getByUid(uid: string): Promise<Workflow | undefined> {
    return (await this.#store()).getByUid(uid);
  }

  async getByName(namespace: string, name: string): Promise<Workflow | undefined> {
    return (await this.#store()).getByName(namespace, name);
  }

  async list(query: ArchiveQuery): Promise<ArchivePage> {
    return (await this.#store()).list(await this.#withLive(query));
  }

  async count(query: ArchiveQuery, most?: number): Promise<number> {
    return (await this.#store()).count(await this.#withLive(query), most);
  }

  async delete(uid: string): Promise<boolean> {
    return (await this.#store()).delete(uid);
  }

  async labelKeys(namespace?: string): Promise<string[]> {
    return (await this.#store()).labelKeys(namespace);
  }

  async labelValues(key: string, namespace?: string): Promise<string[]> {
    return (await this.#store()).labelValues(key, namespace);
  }

  async deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number> {
    return (await this.#store()).deleteFinishedBefore(finishedBeforeMs, limit);
  }

  async #store(): Promise<ArchiveStore> {
    return (await this.#storeElsewhere()) ?? this.#own;
  }

  async #storeElsewhere(): Promise<ArchiveStore | undefined> {
    const database = await this.#source();
    if (database === undefined) return undefined;
    if (this.#elsewhere?.database !== database) {
      this.#elsewhere = { database, store: archiveIn(database, this.#options) };
    }
    return this.#elsewhere.store;
  }

  /** A database elsewhere does not know who is alive. */
  async #withLive(query: ArchiveQuery): Promise<ArchiveQuery> {
    if (query.notLive !== true || (await this.#storeElsewhere()) === undefined) return query;
    return { ...query, without: await this.#marks.liveArchived() };
  }
}
