import { type SubmittedWorkflow } from '#libs/engine';

import { type Database } from '../connection/database.js';
import { WriteBatcher } from '../connection/write-batcher.js';
import { type ChangeFeed } from '../changes/change-feed.js';
import { StoreStatementError, WorkflowExistsError } from '../errors.js';
import { insertWorkflowRows, type NewWorkflow, uidOf } from './workflow-insert.js';
import { countWorkflows, readWorkflowPage, type WorkflowListQuery, type WorkflowPage } from './workflow-list.js';

/** What became of one workflow of a batch: `exists` means this very uid was there already (a repeated request), `name-taken` another one of that name. */
export type InsertOutcome = 'inserted' | 'exists' | 'name-taken';

/** One submitted workflow as stored: the object without status, with uid and creation time in its metadata. */
export interface StoredWorkflow {
  uid: string;
  namespace: string;
  name: string;
  submitted: SubmittedWorkflow;
  instanceId: string;
  createdAtMs: number;
  /** Set once its deletion was asked for. */
  deletedAtMs: number | null;
}

interface Insertion {
  workflow: NewWorkflow;
  outcome?: InsertOutcome;
  failure?: Error;
}

/** Workflows may be large: a statement of many holds them all. */
const MOST_INSERTIONS = 16;

interface Row {
  uid: string;
  namespace: string;
  name: string;
  submitted: SubmittedWorkflow;
  instance_id: string;
  created_at_ms: number;
  deleted_at_ms: number | null;
}

const COLUMNS = 'uid, namespace, name, submitted, instance_id, created_at_ms, deleted_at_ms';

/** Workflows as submitted. Written at submit by whoever takes submissions; everything that happens later is in WorkflowStateRepository. */
export class WorkflowRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;
  readonly #inserts = new WriteBatcher<Insertion>((insertions) => this.#insertTogether(insertions), MOST_INSERTIONS);

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  /** Repeating it with the same uid is harmless (`exists`). Calls of the same moment share a statement. Throws WorkflowExistsError where another workflow has the name. */
  async insert(workflow: NewWorkflow): Promise<'inserted' | 'exists'> {
    const insertion: Insertion = { workflow };
    await this.#inserts.add(insertion);
    const { outcome, failure } = insertion;
    if (failure !== undefined) throw failure;
    if (outcome === 'name-taken') {
      throw new WorkflowExistsError(workflow.submitted.metadata.namespace ?? '', workflow.submitted.metadata.name ?? '');
    }
    return outcome ?? 'exists';
  }

  /** One outcome per workflow, in the order given. */
  async insertMany(workflows: readonly NewWorkflow[]): Promise<InsertOutcome[]> {
    if (workflows.length === 0) return [];
    const inserted = await insertWorkflowRows(this.#database, workflows);
    for (const uid of inserted) this.#changes.publish({ uid, type: 'changed' });
    const others = workflows.map(uidOf).filter((uid) => !inserted.has(uid));
    const present = others.length === 0 ? new Set<string>() : await this.#presentUids(others);
    return workflows.map((workflow) => {
      const uid = uidOf(workflow);
      if (inserted.has(uid)) return 'inserted';
      return present.has(uid) ? 'exists' : 'name-taken';
    });
  }

  async getByUid(uid: string): Promise<StoredWorkflow | undefined> {
    const rows = await this.#database.run<Row>({
      name: 'workflow-by-uid',
      text: `SELECT ${COLUMNS} FROM workflows WHERE uid = $1`,
      values: [uid],
    });
    return rows[0] && toStored(rows[0]);
  }

  /** In no particular order; unknown uids are left out. */
  async getManyByUid(uids: readonly string[]): Promise<StoredWorkflow[]> {
    if (uids.length === 0) return [];
    const rows = await this.#database.run<Row>({
      name: 'workflows-by-uid',
      text: `SELECT ${COLUMNS} FROM workflows WHERE uid = ANY($1)`,
      values: [uids],
    });
    return rows.map(toStored);
  }

  async getByName(namespace: string, name: string): Promise<StoredWorkflow | undefined> {
    const rows = await this.#database.run<Row>({
      name: 'workflow-by-name',
      text: `SELECT ${COLUMNS} FROM workflows WHERE namespace = $1 AND name = $2`,
      values: [namespace, name],
    });
    return rows[0] && toStored(rows[0]);
  }

  /** The newest workflow of a namespace ('' for all): what Argo calls `@latest`. */
  async getLatest(namespace: string): Promise<StoredWorkflow | undefined> {
    const rows = await this.#database.run<Row>({
      name: 'workflow-latest',
      text: `SELECT ${COLUMNS} FROM workflows WHERE ($1 = '' OR namespace = $1) ORDER BY created_at_ms DESC, uid DESC LIMIT 1`,
      values: [namespace],
    });
    return rows[0] && toStored(rows[0]);
  }

  /** Newest first; columns only. See WorkflowListQuery. */
  listPage(query: WorkflowListQuery): Promise<WorkflowPage> {
    return readWorkflowPage(this.#database, query);
  }

  /** How many workflows are in each phase, and how many pods that have not ended (Pending is also what a host has taken and not begun); for gauges. */
  async countByPhase(): Promise<{ workflows: Record<string, number>; pods: Record<string, number> }> {
    const rows = await this.#database.run<{ what: 'workflows' | 'pods'; phase: string; count: number }>({
      name: 'count-by-phase',
      text: `
        SELECT 'workflows' AS what, phase, count(*) AS count FROM workflow_state GROUP BY phase
        UNION ALL
        SELECT 'pods', CASE phase WHEN 'Claimed' THEN 'Pending' ELSE phase END, count(*) FROM pod_status
        WHERE deleted_at_ms IS NULL AND phase_rank < 3 GROUP BY 2`,
    });
    const counts = (what: string): Record<string, number> =>
      Object.fromEntries(rows.filter((row) => row.what === what).map(({ phase, count }) => [phase || 'Pending', count]));
    return { workflows: counts('workflows'), pods: counts('pods') };
  }

  /** Those of these workflows that have not ended. */
  async unfinishedOf(uids: readonly string[]): Promise<Set<string>> {
    const rows = await this.#database.run<{ uid: string }>({
      name: 'workflows-unfinished',
      text: 'SELECT uid FROM workflow_state WHERE uid = ANY($1) AND NOT completed',
      values: [uids],
    });
    return new Set(rows.map(({ uid }) => uid));
  }

  /** Undeleted workflows of an instance with an object on the cluster, by uid. */
  clusterObjects(query: {
    instanceId: string;
    after?: string;
    limit: number;
  }): Promise<{ uid: string; namespace: string; name: string }[]> {
    return this.#database.run({
      name: 'workflow-cluster-objects',
      text: `
        SELECT uid, namespace, name FROM workflows WHERE cluster_object AND deleted_at_ms IS NULL AND uid > $1 AND instance_id = $3 ORDER BY uid LIMIT $2`,
      values: [query.after ?? '', query.limit, query.instanceId],
    });
  }

  /** How many workflows a query matches, without regard to limit, cursor and offset. */
  count(query: WorkflowListQuery): Promise<number> {
    return countWorkflows(this.#database, query);
  }

  /** Where Postgres refuses what one of several holds, only that one fails. */
  async #insertTogether(insertions: readonly Insertion[]): Promise<void> {
    try {
      const outcomes = await this.insertMany(insertions.map(({ workflow }) => workflow));
      insertions.forEach((insertion, index) => Object.assign(insertion, { outcome: outcomes[index] }));
    } catch (error) {
      if (!(error instanceof StoreStatementError) || insertions.length === 1) throw error;
      for (const insertion of insertions) {
        await this.#insertTogether([insertion]).catch((failure: unknown) => Object.assign(insertion, { failure }));
      }
    }
  }

  async #presentUids(uids: string[]): Promise<Set<string>> {
    const rows = await this.#database.run<{ uid: string }>({
      text: 'SELECT uid FROM workflows WHERE uid = ANY($1)',
      values: [uids],
    });
    return new Set(rows.map(({ uid }) => uid));
  }
}

const toStored = (row: Row): StoredWorkflow => ({
  uid: row.uid,
  namespace: row.namespace,
  name: row.name,
  submitted: row.submitted,
  instanceId: row.instance_id,
  createdAtMs: row.created_at_ms,
  deletedAtMs: row.deleted_at_ms,
});
