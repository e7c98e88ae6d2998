import { type Executor } from '../connection/database.js';
import { sql } from '../connection/drizzle.js';
import { timeOf } from './archive-conditions.js';
import { type ArchiveStoreOptions, type ArchiveWrite } from './archive-store.js';
import { DEFAULT_NULL_REPLACEMENT, toArchiveText } from './archive-text.js';
import { archivedColumns } from './archived-columns.js';
import { postgresDialect } from './postgres-dialect.js';
import { SqlArchiveStore } from './sql-archive-store.js';
import { fenceElsewhere, VERSION_GRACE_MS, type VersionFence } from './version-fence.js';

/** `$1` uid, `$2` version, `$3` now, `$4` cluster, `$10` the workflow's end. A row is given where what stands is older. */
const FENCE_SQL: Record<VersionFence, string> = {
  marks: `
    INSERT INTO archive_marks AS m (workflow, version, archived, archived_at_ms) VALUES ($1, $2, true, $3)
    ON CONFLICT (workflow) DO UPDATE SET version = excluded.version, archived = true, archived_at_ms = excluded.archived_at_ms
      WHERE m.version < excluded.version
    RETURNING m.workflow AS uid`,
  versions: `
    INSERT INTO argosy_archive_versions AS v (clustername, uid, version, written_at_ms) VALUES ($4, $1, $2, $3)
    ON CONFLICT (clustername, uid) DO UPDATE SET version = excluded.version, written_at_ms = excluded.written_at_ms
      WHERE v.version < excluded.version
    RETURNING v.uid`,
  ends: `
    SELECT $1 AS uid WHERE $2::bigint IS NOT NULL AND $3::bigint IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM argo_archived_workflows a WHERE a.clustername = $4 AND a.uid = $1 AND a.finishedat > $10::timestamp)`,
};

/** Where the handoff stands beside the archive it goes with the row. */
const HANDOFF_SQL = `, done AS (DELETE FROM handoffs WHERE queue = 'archive' AND workflow = $1 AND version <= $2)`;

/**
 * The fence is the compare-and-set: an older end never replaces a newer one, and repeating changes nothing. Everything is one statement,
 * so the commit need not wait for the disk: what a crash of Postgres undoes is simply done again. The row is written before its labels, as a
 * deletion takes it with them.
 */
const upsertSql = (fence: VersionFence): string => `
WITH fence AS (${FENCE_SQL[fence]}
), archived AS (
  INSERT INTO argo_archived_workflows
    (clustername, instanceid, uid, name, namespace, phase, startedat, finishedat, creationtimestamp, workflow)
  SELECT $4, $5, $1, $6, $7, $8, $9::timestamp, $10::timestamp, $11::timestamp, $12::jsonb FROM fence
  ON CONFLICT (clustername, uid) DO UPDATE SET instanceid = excluded.instanceid, name = excluded.name, namespace = excluded.namespace,
    phase = excluded.phase, startedat = excluded.startedat, finishedat = excluded.finishedat,
    creationtimestamp = excluded.creationtimestamp, workflow = excluded.workflow
  RETURNING uid
), dropped AS (
  DELETE FROM argo_archived_workflows_labels l USING archived WHERE l.clustername = $4 AND l.uid = $1 AND NOT l.name = ANY($13::text[])
), labelled AS (
  INSERT INTO argo_archived_workflows_labels (clustername, uid, name, value)
  SELECT $4, $1, given.name, given.value FROM archived, unnest($13::text[], $14::text[]) AS given (name, value)
  ON CONFLICT (clustername, uid, name) DO UPDATE SET value = excluded.value
)${fence === 'marks' ? HANDOFF_SQL : ''}
SELECT set_config('synchronous_commit', 'off', true), (SELECT count(*) FROM fence) AS written`;

export type PostgresArchivePlace = 'beside our own tables' | 'elsewhere';

/**
 * The archive on Postgres. Beside our own tables a row, its labels, its mark and its handoff are one statement; elsewhere the caller
 * marks afterwards.
 */
export class PostgresArchiveStore extends SqlArchiveStore {
  readonly #database: Executor;
  readonly #nullReplacement: string;
  readonly #fence: () => Promise<VersionFence>;

  constructor(database: Executor, place: PostgresArchivePlace, options: ArchiveStoreOptions = {}) {
    const { nullReplacement = DEFAULT_NULL_REPLACEMENT } = options;
    const isElsewhere = place === 'elsewhere';
    super(database, postgresDialect(nullReplacement), {
      ...options,
      ...(isElsewhere ? {} : { notLive: NOT_LIVE }),
    });
    this.#database = database;
    this.#nullReplacement = nullReplacement;
    this.#fence = isElsewhere ? fenceElsewhere(database, 'current_schema()') : () => Promise.resolve('marks');
  }

  async upsert(write: ArchiveWrite): Promise<'written' | 'unchanged'> {
    const { clusterName, instanceId } = this.scope;
    const { uid, name, namespace, phase, startedAtMs, finishedAtMs, labels } = archivedColumns(write);
    const fence = await this.#fence();
    const rows = await this.#database.run<{ written: number }>({
      name: `archive-upsert-${fence}`,
      text: upsertSql(fence),
      values: [
        uid,
        write.version,
        write.nowMs,
        clusterName,
        instanceId,
        name,
        namespace,
        phase,
        timeOf(startedAtMs),
        timeOf(finishedAtMs),
        timeOf(write.createdAtMs),
        toArchiveText(write.workflow, this.#nullReplacement),
        labels.map(([key]) => key),
        labels.map(([, value]) => value),
      ],
    });
    return rows[0]?.written === 1 ? 'written' : 'unchanged';
  }

  async delete(uid: string): Promise<boolean> {
    const rows = await this.#database.run({
      text: 'DELETE FROM argo_archived_workflows WHERE clustername = $1 AND uid = $2 RETURNING 1',
      values: [this.scope.clusterName, uid],
    });
    return rows.length > 0;
  }

  async deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number> {
    const { clusterName, instanceId } = this.scope;
    const rows = await this.#database.run({
      text: `
        DELETE FROM argo_archived_workflows WHERE (clustername, uid) IN (
          SELECT clustername, uid FROM argo_archived_workflows
          WHERE clustername = $1 AND instanceid = $2 AND finishedat < $3::timestamp LIMIT $4
          FOR UPDATE SKIP LOCKED) RETURNING 1`,
      values: [clusterName, instanceId, timeOf(finishedBeforeMs), limit],
    });
    if ((await this.#fence()) === 'versions') {
      await this.#database.run({
        text: 'DELETE FROM argosy_archive_versions WHERE clustername = $1 AND written_at_ms < $2',
        values: [clusterName, finishedBeforeMs - VERSION_GRACE_MS],
      });
    }
    return rows.length;
  }
}

const NOT_LIVE = sql`NOT EXISTS (SELECT 1 FROM workflows live WHERE live.uid = a.uid AND live.deleted_at_ms IS NULL)`;
