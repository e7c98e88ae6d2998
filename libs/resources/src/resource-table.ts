import type { Resource, ResourceKey } from './contract.js';

/**
 * One object as a row. An object that is deleted stays as a tombstone (`deleted`, last body) until it is compacted, so that watchers learn of it;
 * an object made again under the same name is another row with another uid.
 */
export interface ResourceRow extends ResourceKey {
  uid: string;
  /** The version of its last change; unique over all rows of all kinds. */
  version: number;
  /** The version at which it was made. */
  createdVersion: number;
  labels: Record<string, string>;
  /** The whole object without `metadata.resourceVersion`, which is `version`. */
  body: Resource;
  deleted: boolean;
}

/** What a writer gives; versions are the table's to hand out. */
export interface ResourceWrite extends ResourceKey {
  uid: string;
  labels: Record<string, string>;
  body: Resource;
  /** Milliseconds since the epoch, from the Clock. */
  nowMs: number;
}

export interface ResourcePageQuery {
  kind: string;
  /** '' for all namespaces. */
  namespace: string;
  /** Exclusive lower bound in the order (namespace, name), both compared by code unit ("C" collation). */
  after?: { namespace: string; name: string };
  limit: number;
}

export interface ResourceChangesQuery {
  kind: string;
  /** '' for all namespaces. */
  namespace: string;
  /** Exclusive. */
  afterVersion: number;
  limit: number;
}

export interface ResourceChanges {
  /** By rising version, tombstones included. */
  rows: ResourceRow[];
  /** Versions up to here may lack tombstones that were compacted: a watcher that stands before it must list again. 0: none lacks. */
  compactedVersion: number;
  /** The newest version of the table when it was read; nothing at or below it appears later. */
  currentVersion: number;
}

export interface ResourceVersions {
  currentVersion: number;
  compactedVersion: number;
}

/**
 * The narrow SQL seam of TableResourceStore: table `resources`, primary key uid, unique (kind, namespace, name) among the undeleted.
 * Every write takes the next version of one counter, and versions become visible in their order: once a reader has seen version v,
 * no row with a version ≤ v appears later (take the counter's row lock in the writing transaction). Throws TransientError where the database is away.
 */
export interface ResourceTable {
  /** The undeleted row of this key. */
  find(key: ResourceKey): Promise<ResourceRow | undefined>;
  /** Undeleted rows in the order (namespace, name), and the version at which they were read (one snapshot). */
  page(query: ResourcePageQuery): Promise<{ rows: ResourceRow[]; currentVersion: number }>;
  /** 'exists': an undeleted row has this key. */
  insert(write: ResourceWrite): Promise<ResourceRow | 'exists'>;
  /** Replaces labels and body of the undeleted row; uid stays. 'conflict': `expectedVersion` is given and is not the row's. */
  replace(write: Omit<ResourceWrite, 'uid'>, expectedVersion?: number): Promise<ResourceRow | 'missing' | 'conflict'>;
  /** Turns the undeleted row into a tombstone with a new version. */
  remove(key: ResourceKey, nowMs: number): Promise<ResourceRow | 'missing'>;
  /** Changed rows after a version, and how far back that can be asked. */
  changes(query: ResourceChangesQuery): Promise<ResourceChanges>;
  /** Where the table stands now. */
  versions(): Promise<ResourceVersions>;
  /** Drops tombstones last changed before this time and raises `compactedVersion` to the highest version dropped; gives how many. */
  compact(olderThanMs: number): Promise<number>;
}
