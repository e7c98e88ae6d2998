import { type Workflow } from '#libs/workflow-spec';

import { type LabelRequirement } from '../selectors/label-selector.js';
import { type NameMatch } from '../workflows/workflow-list.js';

/** Which archived workflows, latest start first. Every field that is absent does not restrict. */
export interface ArchiveQuery {
  namespace?: string;
  notNamespace?: string;
  name?: { match: NameMatch; value: string };
  labels?: readonly LabelRequirement[];
  phases?: readonly string[];
  createdAfterMs?: number;
  startedAfterMs?: number;
  startedBeforeMs?: number;
  finishedBeforeMs?: number;
  /** Leaves out what is still among the live workflows and is not being deleted. */
  notLive?: boolean;
  /** Uids that are left out. */
  without?: readonly string[];
  /** Default 500. */
  limit?: number;
  /** Rows to skip; costs O(offset): prefer `after`. */
  offset?: number;
  /** From the last row of the previous page. */
  after?: ArchiveCursor;
}

/** Where a page ended: the archive's order, newest first. Times as the database writes them, so that none of their digits is lost. */
export interface ArchiveCursor {
  startedAt: string;
  createdAt: string;
  uid: string;
}

export interface ArchivePage {
  /** Partial, as Argo's list: metadata, spec.arguments, spec.suspend, and status without nodes and outputs. */
  workflows: Workflow[];
  /** Where a page would begin after each of them. */
  cursors: ArchiveCursor[];
  /** Present where more rows may follow. */
  next?: ArchiveCursor;
}

export interface ArchiveWrite {
  /** When it was made, in milliseconds: finer than the object's own time, it orders those of one second. */
  createdAtMs: number;
  /** Complete, with nodes and with the label that says Persisted. */
  workflow: Workflow;
  /** The version of the state that it was made from. */
  version: number;
  nowMs: number;
}

/** How our rows in Argo's own tables are marked. */
export interface ArchiveStoreOptions {
  /** Column `clustername`; default `default`. */
  clusterName?: string | (() => string);
  /** Column `instanceid`; default ''. */
  instanceId?: string;
  /** See DEFAULT_NULL_REPLACEMENT; Postgres only. */
  nullReplacement?: string;
}

/**
 * Finished workflows in Argo's own tables (its schema version 68), on Postgres or MySQL: exactly one row for a uid, of its latest end,
 * whatever dies when. Text is compared to the letter on either. Rejects with the errors of Database.
 */
export interface ArchiveStore {
  /** `unchanged`: this end of the workflow, or a later one, is in the archive already. */
  upsert(write: ArchiveWrite): Promise<'written' | 'unchanged'>;
  getByUid(uid: string): Promise<Workflow | undefined>;
  /** The one that started last, of those of this name. */
  getByName(namespace: string, name: string): Promise<Workflow | undefined>;
  list(query: ArchiveQuery): Promise<ArchivePage>;
  /** How many a query matches, without regard to limit, cursor and offset; counting ends at `most`. */
  count(query: ArchiveQuery, most?: number): Promise<number>;
  /** False where there is no such row. */
  delete(uid: string): Promise<boolean>;
  /** In the order of the letters. */
  labelKeys(namespace?: string): Promise<string[]>;
  labelValues(key: string, namespace?: string): Promise<string[]>;
  /** Archive TTL: deletes at most `limit` workflows that finished before `finishedBeforeMs`; gives how many. */
  deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number>;
}
