import { type JsonValue, type ObjectMeta } from '#libs/workflow-spec';

import { type Database, type Statement } from '../connection/database.js';

/** Any stored object, Kubernetes' envelope. */
export interface StoredResource {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta & { name: string };
  [field: string]: JsonValue | ObjectMeta | undefined;
}
export interface StoredResourceKey {
  kind: string;
  namespace: string;
  name: string;
}
export interface StoredResourceRow extends StoredResourceKey {
  uid: string;
  /** The version of its last change; unique over all rows of all kinds. */
  version: number;
  createdVersion: number;
  labels: Record<string, string>;
  body: StoredResource;
  deleted: boolean;
}
export interface StoredResourceWrite extends StoredResourceKey {
  uid: string;
  labels: Record<string, string>;
  body: StoredResource;
  nowMs: number;
}

interface Row {
  uid: string;
  kind: string;
  namespace: string;
  name: string;
  version: number;
  createdVersion: number;
  labels: Record<string, string>;
  body: StoredResource;
  deleted: boolean;
}

const FIELDS = 'uid, kind, namespace, name, version, created_version AS "createdVersion", labels, body, deleted';
const VERSIONS =
  '(SELECT version FROM resource_counter) AS "currentVersion", (SELECT compacted_version FROM resource_counter) AS "compactedVersion"';

/** Every write takes the counter's row lock first and keeps it to its COMMIT: versions become visible in their order. */
const NEXT_VERSION = 'UPDATE resource_counter SET version = version + 1 WHERE id = 1 RETURNING version';

/**
 * Table `resources`: objects other than workflows' truth (templates, ConfigMaps, Secrets, cron, records). A deleted object stays as a
 * tombstone until it is compacted, so that watchers learn of it. Each method is one statement, so what it reads is one snapshot.
 */
export class ResourceTableRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The undeleted row of this key. */
  async find(key: StoredResourceKey): Promise<StoredResourceRow | undefined> {
    const rows = await this.#database.run<Row>({
      name: 'resource-find',
      text: `SELECT ${FIELDS} FROM resources WHERE kind = $1 AND namespace = $2 AND name = $3 AND NOT deleted`,
      values: [key.kind, key.namespace, key.name],
    });
    return rows[0];
  }

  /** Undeleted rows in the order (namespace, name) by code unit; '' is every namespace. */
  async page(query: {
    kind: string;
    namespace: string;
    after?: { namespace: string; name: string };
    limit: number;
  }): Promise<{ rows: StoredResourceRow[]; currentVersion: number }> {
    return this.#readWithVersions({
      name: 'resource-page',
      text: `
        SELECT ${VERSIONS}, (SELECT json_agg(r) FROM (
          SELECT ${FIELDS} FROM resources
          WHERE kind = $1 AND ($2 = '' OR namespace = $2) AND NOT deleted AND (namespace, name) > ($3, $4)
          ORDER BY namespace, name LIMIT $5) r) AS rows`,
      values: [query.kind, query.namespace, query.after?.namespace ?? '', query.after?.name ?? '', query.limit],
    });
  }

  /** `exists`: an undeleted row has this key. */
  async insert(write: StoredResourceWrite): Promise<StoredResourceRow | 'exists'> {
    return this.#database.transaction(async (tx) => {
      const [next] = await tx.run<{ version: number }>({ name: 'resource-next', text: NEXT_VERSION });
      const rows = await tx.run<Row>({
        name: 'resource-insert',
        text: `
          INSERT INTO resources (uid, kind, namespace, name, version, created_version, labels, body, changed_at_ms)
          VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8) ON CONFLICT (kind, namespace, name) WHERE NOT deleted DO NOTHING RETURNING ${FIELDS}`,
        values: [
          write.uid,
          write.kind,
          write.namespace,
          write.name,
          next?.version,
          JSON.stringify(write.labels),
          JSON.stringify(write.body),
          write.nowMs,
        ],
      });
      return rows[0] ?? 'exists';
    });
  }

  /** Replaces labels and body; the uid stays. `conflict`: `expectedVersion` is given and is not the row's. */
  async replace(
    write: Omit<StoredResourceWrite, 'uid'>,
    expectedVersion?: number,
  ): Promise<StoredResourceRow | 'missing' | 'conflict'> {
    return this.#database.transaction(async (tx) => {
      const [next] = await tx.run<{ version: number }>({ name: 'resource-next', text: NEXT_VERSION });
      const rows = await tx.run<Row>({
        name: 'resource-replace',
        text: `
          UPDATE resources SET version = $4, labels = $5, body = $6, changed_at_ms = $7
          WHERE kind = $1 AND namespace = $2 AND name = $3 AND NOT deleted AND ($8::bigint IS NULL OR version = $8) RETURNING ${FIELDS}`,
        values: [
          write.kind,
          write.namespace,
          write.name,
          next?.version,
          JSON.stringify(write.labels),
          JSON.stringify(write.body),
          write.nowMs,
          expectedVersion ?? null,
        ],
      });
      if (rows[0]) return rows[0];
      const present = await tx.run({
        name: 'resource-present',
        text: 'SELECT 1 FROM resources WHERE kind = $1 AND namespace = $2 AND name = $3 AND NOT deleted',
        values: [write.kind, write.namespace, write.name],
      });
      return present.length > 0 ? 'conflict' : 'missing';
    });
  }

  /** Turns the undeleted row into a tombstone with a new version. */
  async remove(key: StoredResourceKey, nowMs: number): Promise<StoredResourceRow | 'missing'> {
    return this.#database.transaction(async (tx) => {
      const [next] = await tx.run<{ version: number }>({ name: 'resource-next', text: NEXT_VERSION });
      const rows = await tx.run<Row>({
        name: 'resource-remove',
        text: `
          UPDATE resources SET version = $4, deleted = true, changed_at_ms = $5
          WHERE kind = $1 AND namespace = $2 AND name = $3 AND NOT deleted RETURNING ${FIELDS}`,
        values: [key.kind, key.namespace, key.name, next?.version, nowMs],
      });
      return rows[0] ?? 'missing';
    });
  }

  /** Rows changed after a version, by rising version, tombstones included. '' is every namespace. */
  async changes(query: {
    kind: string;
    namespace: string;
    afterVersion: number;
    limit: number;
  }): Promise<{ rows: StoredResourceRow[]; compactedVersion: number; currentVersion: number }> {
    return this.#readWithVersions({
      name: 'resource-changes',
      text: `
        SELECT ${VERSIONS}, (SELECT json_agg(r) FROM (
          SELECT ${FIELDS} FROM resources WHERE kind = $1 AND ($2 = '' OR namespace = $2) AND version > $3 ORDER BY version LIMIT $4) r) AS rows`,
      values: [query.kind, query.namespace, query.afterVersion, query.limit],
    });
  }

  async versions(): Promise<{ currentVersion: number; compactedVersion: number }> {
    const rows = await this.#database.run<{ currentVersion: number; compactedVersion: number }>({
      name: 'resource-versions',
      text: `SELECT ${VERSIONS}`,
    });
    return rows[0] ?? { currentVersion: 0, compactedVersion: 0 };
  }

  /** Drops tombstones last changed before this time; gives how many. */
  async compact(olderThanMs: number): Promise<number> {
    return this.#database.transaction(async (tx) => {
      await tx.run({ text: 'SELECT version FROM resource_counter WHERE id = 1 FOR UPDATE' });
      const rows = await tx.run<{ version: number }>({
        text: 'DELETE FROM resources WHERE deleted AND changed_at_ms < $1 RETURNING version',
        values: [olderThanMs],
      });
      const highest = rows.reduce((max, { version }) => Math.max(max, version), 0);
      await tx.run({
        text: 'UPDATE resource_counter SET compacted_version = GREATEST(compacted_version, $1) WHERE id = 1',
        values: [highest],
      });
      return rows.length;
    });
  }

  async #readWithVersions(statement: Statement) {
    const [row] = await this.#database.run<{ rows: Row[] | null; currentVersion: number; compactedVersion: number }>(statement);
    return { rows: row?.rows ?? [], currentVersion: row?.currentVersion ?? 0, compactedVersion: row?.compactedVersion ?? 0 };
  }
}
