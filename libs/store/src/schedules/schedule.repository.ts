import { type ChangeFeed } from '../changes/change-feed.js';
import { type Database } from '../connection/database.js';
import { insertWorkflowRows, type NewWorkflow } from '../workflows/workflow-insert.js';

/** Which CronWorkflow. */
export interface ScheduleKey {
  namespace: string;
  name: string;
}

/** What is decided about one CronWorkflow. */
export interface StoredSchedule extends ScheduleKey {
  uid: string;
  /** Rises by one with every commit: the fence. */
  version: number;
  /** The next tick in milliseconds since 1970; null: none is awaited. */
  nextRunAtMs: number | null;
  lastScheduledAtMs: number | null;
  /** Uids of children that have not ended, as of the last commit. */
  active: string[];
  /** The scheduler's own memory. */
  body: unknown;
}

export interface ScheduleCommit extends Omit<StoredSchedule, 'version'> {
  /** The version that was decided on; undefined: there was no row. */
  expectedVersion: number | undefined;
  /** The run of a tick: in the tables with the tick or not at all. A child of that uid or name that is there already stays as it is. */
  child?: NewWorkflow;
  nowMs: number;
}

/** A workflow that carries the label of a CronWorkflow: columns only. */
export interface CronChild {
  uid: string;
  name: string;
  phase: string;
  completed: boolean;
  createdAtMs: number;
  finishedAtMs: number | null;
  /** Uid of the CronWorkflow that owns it; null where none does. */
  ownerUid: string | null;
}

const COLUMNS = `namespace, name, uid, version, next_run_at_ms AS "nextRunAtMs", last_scheduled_at_ms AS "lastScheduledAtMs", active, body`;

/**
 * Schedules of CronWorkflows; written by the scheduler only. A tick and its run are one transaction behind the version fence: of many
 * schedulers one commits, and a scheduler that dies anywhere leaves either both or neither.
 */
export class ScheduleRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  async get({ namespace, name }: ScheduleKey): Promise<StoredSchedule | undefined> {
    const rows = await this.#database.run<StoredSchedule>({
      name: 'schedule-get',
      text: `SELECT ${COLUMNS} FROM schedules WHERE namespace = $1 AND name = $2`,
      values: [namespace, name],
    });
    return rows[0];
  }

  /** Keys of all schedules with their CronWorkflows' uids. */
  async keys(): Promise<(ScheduleKey & { uid: string })[]> {
    return this.#database.run({ name: 'schedule-keys', text: 'SELECT namespace, name, uid FROM schedules' });
  }

  /** Schedules with a tick that has come or with a child that has ended since they were decided on, those of the oldest tick first. */
  async due(query: { nowMs: number; limit: number }): Promise<ScheduleKey[]> {
    return this.#database.run({
      name: 'schedule-due',
      text: `
        SELECT namespace, name FROM schedules s
        WHERE next_run_at_ms <= $1 OR EXISTS (
          SELECT 1 FROM unnest(s.active) AS child LEFT JOIN workflow_state w ON w.uid = child WHERE w.uid IS NULL OR w.completed)
        ORDER BY next_run_at_ms LIMIT $2`,
      values: [query.nowMs, query.limit],
    });
  }

  /** The soonest tick of all; undefined where none is awaited. */
  async soonestMs(): Promise<number | undefined> {
    const rows = await this.#database.run<{ at: number | null }>({
      name: 'schedule-soonest',
      text: 'SELECT min(next_run_at_ms) AS at FROM schedules',
    });
    return rows[0]?.at ?? undefined;
  }

  /** `stale`: somebody else has committed since; nothing was written, read again. */
  async commit(commit: ScheduleCommit): Promise<'committed' | 'stale'> {
    const { child } = commit;
    const inserted = await this.#database.transaction(async (tx) => {
      const rows = await tx.run({
        name: commit.expectedVersion === undefined ? 'schedule-insert' : 'schedule-update',
        text: commit.expectedVersion === undefined ? INSERT_SQL : UPDATE_SQL,
        values: [
          commit.namespace,
          commit.name,
          commit.uid,
          commit.nextRunAtMs,
          commit.lastScheduledAtMs,
          commit.active,
          JSON.stringify(commit.body),
          commit.nowMs,
          ...(commit.expectedVersion === undefined ? [] : [commit.expectedVersion]),
        ],
      });
      if (rows.length === 0) return undefined;
      return child === undefined ? new Set<string>() : insertWorkflowRows(tx, [child]);
    });
    if (inserted === undefined) return 'stale';
    for (const uid of inserted) this.#changes.publish({ uid, type: 'changed' });
    return 'committed';
  }

  /** Forgets the schedule of a CronWorkflow that is gone; a newer one of that name stays. */
  async remove({ namespace, name }: ScheduleKey, uid: string): Promise<void> {
    await this.#database.run({
      name: 'schedule-remove',
      text: 'DELETE FROM schedules WHERE namespace = $1 AND name = $2 AND uid = $3',
      values: [namespace, name, uid],
    });
  }

  /** Undeleted workflows with the label of this CronWorkflow, newest first. */
  async children({ namespace, name }: ScheduleKey): Promise<CronChild[]> {
    return this.#database.run<CronChild>({
      name: 'schedule-children',
      text: `
        SELECT w.uid, w.name, s.phase, s.completed, w.created_at_ms AS "createdAtMs", s.finished_at_ms AS "finishedAtMs",
          (SELECT o ->> 'uid' FROM json_array_elements(w.submitted -> 'metadata' -> 'ownerReferences') o
            WHERE o ->> 'kind' = 'CronWorkflow' LIMIT 1) AS "ownerUid"
        FROM workflows w JOIN workflow_state s ON s.uid = w.uid
        WHERE w.namespace = $1 AND w.labels ->> 'workflows.argoproj.io/cron-workflow' = $2 AND w.deleted_at_ms IS NULL
        ORDER BY w.created_at_ms DESC, w.uid DESC`,
      values: [namespace, name],
    });
  }
}

const INSERT_SQL = `
INSERT INTO schedules (namespace, name, uid, next_run_at_ms, last_scheduled_at_ms, active, body, updated_at_ms, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) ON CONFLICT DO NOTHING RETURNING version`;
const UPDATE_SQL = `
UPDATE schedules SET uid = $3, next_run_at_ms = $4, last_scheduled_at_ms = $5, active = $6, body = $7, updated_at_ms = $8, version = version + 1
WHERE namespace = $1 AND name = $2 AND version = $9 RETURNING version`;
