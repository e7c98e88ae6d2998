import { type Executor } from '../connection/database.js';
import { timeOf } from './archive-conditions.js';
import { type ArchiveStoreOptions, type ArchiveWrite } from './archive-store.js';
import { withoutHalfCharacters } from './archive-text.js';
import { archivedColumns } from './archived-columns.js';
import { MYSQL_DIALECT } from './mysql-dialect.js';
import { SqlArchiveStore } from './sql-archive-store.js';
import { fenceElsewhere, VERSION_GRACE_MS, type VersionFence } from './version-fence.js';

/** What the archive needs of a MySQL or MariaDB; a statement that changes rows gives `{ affectedRows }`. */
export interface MysqlExecutor extends Executor {
  transaction<Result>(work: (tx: Executor) => Promise<Result>): Promise<Result>;
}

const SECOND_MS = 1000;
const timestamp = (timeMs: number): string => timeOf(Math.floor(timeMs / SECOND_MS) * SECOND_MS).slice(0, 19);

/** Gives one changed row where what stands is older, none otherwise; `?` cluster, uid, version, now. */
const VERSION_SQL = `
  INSERT INTO argosy_archive_versions (clustername, uid, version, written_at_ms) VALUES (?, ?, ?, ?)
  ON DUPLICATE KEY UPDATE written_at_ms = IF(VALUES(version) > version, VALUES(written_at_ms), written_at_ms),
    version = GREATEST(version, VALUES(version))`;

const ROW_SQL = `
  INSERT INTO argo_archived_workflows
    (clustername, uid, instanceid, name, namespace, phase, startedat, finishedat, creationtimestamp, workflow)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON DUPLICATE KEY UPDATE instanceid = VALUES(instanceid), name = VALUES(name), namespace = VALUES(namespace), phase = VALUES(phase),
    startedat = VALUES(startedat), finishedat = VALUES(finishedat), creationtimestamp = VALUES(creationtimestamp),
    workflow = VALUES(workflow)`;

const affected = async (executor: Executor, text: string, values: unknown[]): Promise<number> => {
  const [row] = await executor.run<{ affectedRows: number }>({ text, values });
  return row?.affectedRows ?? 0;
};

/**
 * The archive on MySQL or MariaDB. A row, its labels and its version are one transaction; the caller marks afterwards. Crash points:
 * before the COMMIT nothing is there; after it, before the mark, it is done again and changes nothing. Columns have whole seconds.
 */
export class MysqlArchiveStore extends SqlArchiveStore {
  readonly #database: MysqlExecutor;
  readonly #fence: () => Promise<VersionFence>;

  constructor(database: MysqlExecutor, options: ArchiveStoreOptions = {}) {
    super(database, MYSQL_DIALECT, options);
    this.#database = database;
    this.#fence = fenceElsewhere(database, 'database()');
  }

  async upsert(write: ArchiveWrite): Promise<'written' | 'unchanged'> {
    const fence = await this.#fence();
    return this.#database.transaction(async (tx) => {
      if (!(await this.#passes(tx, fence, write))) return 'unchanged';
      const { clusterName, instanceId } = this.scope;
      const { uid, name, namespace, phase, startedAtMs, finishedAtMs, labels } = archivedColumns(write);
      const times = [startedAtMs, finishedAtMs, write.createdAtMs].map(timestamp);
      const json = withoutHalfCharacters(JSON.stringify(write.workflow));
      await tx.run({
        text: ROW_SQL,
        values: [clusterName, uid, instanceId, name, namespace, phase, ...times, json],
      });
      await tx.run({
        text: 'DELETE FROM argo_archived_workflows_labels WHERE clustername = ? AND uid = ?',
        values: [clusterName, uid],
      });
      if (labels.length > 0) {
        const rows = labels.map(() => '(?, ?, ?, ?)').join(', ');
        await tx.run({
          text: `INSERT INTO argo_archived_workflows_labels (clustername, uid, name, value) VALUES ${rows} ON DUPLICATE KEY UPDATE value = VALUES(value)`,
          values: labels.flatMap(([key, value]) => [clusterName, uid, key, value]),
        });
      }
      return 'written';
    });
  }

  async delete(uid: string): Promise<boolean> {
    const text = 'DELETE FROM argo_archived_workflows WHERE clustername = ? AND uid = ?';
    return (await affected(this.#database, text, [this.scope.clusterName, uid])) > 0;
  }

  async deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number> {
    const { clusterName, instanceId } = this.scope;
    const text = `DELETE FROM argo_archived_workflows WHERE clustername = ? AND instanceid = ? AND finishedat < ? LIMIT ${Math.trunc(limit)}`;
    const deleted = await affected(this.#database, text, [clusterName, instanceId, timeOf(finishedBeforeMs)]);
    if ((await this.#fence()) === 'versions') {
      await this.#database.run({
        text: 'DELETE FROM argosy_archive_versions WHERE clustername = ? AND written_at_ms < ?',
        values: [clusterName, finishedBeforeMs - VERSION_GRACE_MS],
      });
    }
    return deleted;
  }

  async #passes(tx: Executor, fence: VersionFence, write: ArchiveWrite): Promise<boolean> {
    const { clusterName } = this.scope;
    const { uid, finishedAtMs } = archivedColumns(write);
    if (fence === 'versions') return (await affected(tx, VERSION_SQL, [clusterName, uid, write.version, write.nowMs])) > 0;
    const newer = await tx.run({
      text: 'SELECT 1 AS one FROM argo_archived_workflows WHERE clustername = ? AND uid = ? AND finishedat > ? FOR UPDATE',
      values: [clusterName, uid, timestamp(finishedAtMs)],
    });
    return newer.length === 0;
  }
}
