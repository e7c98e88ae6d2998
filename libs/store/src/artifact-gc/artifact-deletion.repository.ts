import { effectiveSpecOf, type NodeRow, type SubmittedWorkflow, type WorkflowHeader } from '#libs/engine';
import { type Artifact, type ArtifactLocation, type WorkflowLevelArtifactGC, type WorkflowStatus } from '#libs/workflow-spec';

import { type Database } from '../connection/database.js';

export type DeletionStrategy = 'OnWorkflowCompletion' | 'OnWorkflowDeletion';
/**
 * `foreign`: the object carries another workflow's mark and was left alone; `expanded`: a folder whose objects have rows of their own;
 * `abandoned`: it could not be deleted, and its workflow said that nobody shall try for ever.
 */
export type DeletionState = 'pending' | 'deleted' | 'foreign' | 'expanded' | 'abandoned';

export interface NewArtifactDeletion {
  workflowUid: string;
  workflowName: string;
  namespace: string;
  nodeId: string;
  artifactName: string;
  /** One row per workflow and object, however many artifacts name it. */
  objectId: string;
  strategy: DeletionStrategy;
  location: ArtifactLocation;
  /** The workflow said `forceFinalizerRemoval`. */
  giveUp: boolean;
  /** Namespace whose Secrets open the object where the workflow's own has none of the name; null: none does. */
  lenderNamespace: string | null;
  /** The row of the folder in which the object was found; such a row goes when its object has gone. */
  parentId: number | null;
  nowMs: number;
}
export interface ArtifactDeletion extends Omit<NewArtifactDeletion, 'nowMs'> {
  id: number;
  attempts: number;
  lastError: string | null;
  nextTryAtMs: number;
}

/** A deletion as people see it. */
export type ShownDeletion = ArtifactDeletion & { state: DeletionState };

/** What became of one try: an outcome, or why it failed and when it is tried again. `attempted` false: it was put off without a try. */
export type DeletionResult =
  | { id: number; state: Exclude<DeletionState, 'pending'>; error?: string }
  | { id: number; state: 'pending'; error: string; attempted: boolean; nextTryAtMs: number };

/** What artifact GC needs to know of a workflow. */
export interface WorkflowGcFacts {
  uid: string;
  name: string;
  namespace: string;
  /** `spec.artifactGC`, of the effective spec where one was stored. */
  artifactGC?: WorkflowLevelArtifactGC;
  /** `status.artifactRepositoryRef`: the repository, and where it was found. */
  repositoryRef?: WorkflowStatus['artifactRepositoryRef'];
  /** What the status says about the deletion of its artifacts. */
  reported: { strategies: string[]; error?: string };
  completed: boolean;
  deletedAtMs: number | null;
  /** The workflow was finished or deleted since it was planned. */
  handedOver: boolean;
}

interface GcPageQuery {
  overdueBeforeMs: number;
  afterUid?: string;
  limit: number;
}

type FactsRow = Omit<WorkflowGcFacts, 'artifactGC' | 'repositoryRef' | 'reported'> & {
  submitted: SubmittedWorkflow;
  header: WorkflowHeader | null;
};
type NodeBody = Pick<NodeRow, 'status'>;

const DELETION_FIELDS = `
  id, workflow AS "workflowUid", workflow_name AS "workflowName", namespace, node_id AS "nodeId", artifact_name AS "artifactName",
  object_id AS "objectId", strategy, location, give_up AS "giveUp", parent_id AS "parentId", lender_namespace AS "lenderNamespace", attempts, last_error AS "lastError", next_try_at_ms AS "nextTryAtMs"`;

/** What the public status says: see the engine's `ArtifactGcReport`. */
function reportedIn(status: WorkflowHeader['status'] | undefined): WorkflowGcFacts['reported'] {
  const known = status?.artifactGCStatus as { strategiesProcessed?: Record<string, boolean> } | undefined;
  const error = status?.conditions?.find(({ type }) => type === 'ArtifactGCError')?.message;
  return { strategies: Object.keys(known?.strategiesProcessed ?? {}), ...(error === undefined ? {} : { error }) };
}

/** Artifacts to delete, object by object. Written by artifact-gc only. Rows outlive their workflow: a failed deletion holds nobody up. */
export class ArtifactDeletionRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async workflowFacts(uid: string): Promise<WorkflowGcFacts | undefined> {
    const rows = await this.#database.run<FactsRow>({
      name: 'gc-facts',
      text: `
        SELECT w.uid, w.name, w.namespace, s.completed, w.deleted_at_ms AS "deletedAtMs", w.submitted, s.header,
          EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'artifact-gc' AND h.workflow = w.uid) AS "handedOver"
        FROM workflows w JOIN workflow_state s ON s.uid = w.uid WHERE w.uid = $1`,
      values: [uid],
    });
    const row = rows[0];
    if (!row) return undefined;
    const { submitted, header, ...facts } = row;
    const { artifactGC } = effectiveSpecOf(submitted, header ?? undefined);
    const repositoryRef = header?.status.artifactRepositoryRef;
    const reported = reportedIn(header?.status);
    return { ...facts, reported, ...(artifactGC ? { artifactGC } : {}), ...(repositoryRef ? { repositoryRef } : {}) };
  }

  /**
   * Pods with output artifacts, by node id after `afterNodeId`; fewer than `limit` means that there are no more. Bodies are taken apart
   * here and not by Postgres, whose JSON operators refuse a body that holds U+0000 anywhere.
   */
  async outputArtifactsPage(
    uid: string,
    query: { afterNodeId?: string; limit: number },
  ): Promise<{ nodeId: string; artifacts: Artifact[] }[]> {
    const found: { nodeId: string; artifacts: Artifact[] }[] = [];
    for (let after = query.afterNodeId ?? ''; ;) {
      const rows = await this.#database.run<{ id: string; body: NodeBody }>({
        name: 'gc-artifacts',
        text: `
          SELECT id, body FROM workflow_nodes
          WHERE workflow = $1 AND id > $2 AND type = 'Pod' AND NOT tombstone AND strpos(body::text, '"artifacts":[{') > 0 ORDER BY id LIMIT $3`,
        values: [uid, after, query.limit],
      });
      for (const { id, body } of rows) {
        const artifacts = body.status.outputs?.artifacts;
        if (artifacts && artifacts.length > 0 && found.length < query.limit) found.push({ nodeId: id, artifacts });
      }
      if (rows.length < query.limit || found.length >= query.limit) return found;
      after = rows.at(-1)?.id ?? '';
    }
  }

  async isPlanned(uid: string, strategy: DeletionStrategy): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'gc-is-planned',
      text: 'SELECT 1 FROM artifact_gc_plans WHERE workflow = $1 AND strategy = $2',
      values: [uid, strategy],
    });
    return rows.length > 0;
  }

  /**
   * All rows of this strategy are there; the scheduler's handoff is taken off, except that of a deletion which is still to be planned.
   * Gives whether anything of the workflow waits for its deletion. What a crash of Postgres undoes is planned again, so the commit need
   * not wait for the disk. The plan is written before the handoff goes, as a workflow is deleted in that order too.
   */
  async markPlanned(uid: string, strategy: DeletionStrategy, nowMs: number): Promise<boolean> {
    const rows = await this.#database.run<{ pending: boolean }>({
      name: 'gc-mark-planned',
      text: `
        WITH planned AS (
          INSERT INTO artifact_gc_plans (workflow, strategy, planned_at_ms) VALUES ($1, $2, $3)
          ON CONFLICT (workflow, strategy) DO UPDATE SET planned_at_ms = excluded.planned_at_ms RETURNING 1
        ), done AS (
          DELETE FROM handoffs WHERE queue = 'artifact-gc' AND workflow = $1 AND (SELECT count(*) FROM planned) = 1
            AND ($2 = 'OnWorkflowDeletion' OR NOT EXISTS (SELECT 1 FROM workflows WHERE uid = $1 AND deleted_at_ms IS NOT NULL))
        )
        SELECT set_config('synchronous_commit', 'off', true),
          EXISTS (SELECT 1 FROM artifact_deletions WHERE workflow = $1 AND state = 'pending') AS pending`,
      values: [uid, strategy, nowMs],
    });
    return rows[0]?.pending ?? false;
  }

  /** Objects that have a row already are left as they are. Ids rise in the order given; rows are made in one order by everybody. */
  async insertMany(rows: readonly NewArtifactDeletion[]): Promise<void> {
    if (rows.length === 0) return;
    const column = <Key extends keyof NewArtifactDeletion>(key: Key) => rows.map((row) => row[key]);
    await this.#database.run({
      name: 'gc-insert',
      text: `
        INSERT INTO artifact_deletions
          (id, workflow, workflow_name, namespace, node_id, artifact_name, object_id, strategy, location, next_try_at_ms, created_at_ms, give_up,
            parent_id, lender_namespace)
        SELECT d.id, d.workflow, d.workflow_name, d.namespace, d.node_id, d.artifact_name, d.object_id, d.strategy, d.location, d.now_ms, d.now_ms,
          d.give_up, d.parent_id, d.lender_namespace
        FROM (
          SELECT nextval('artifact_deletions_id_seq') AS id, g.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
              $7::text[], $8::json[], $9::bigint[], $10::boolean[], $11::bigint[], $12::text[])
            AS g (workflow, workflow_name, namespace, node_id, artifact_name, object_id, strategy, location, now_ms, give_up, parent_id, lender_namespace)) d
        ORDER BY d.workflow, d.object_id
        ON CONFLICT (workflow, object_id) DO NOTHING`,
      values: [
        column('workflowUid'),
        column('workflowName'),
        column('namespace'),
        column('nodeId'),
        column('artifactName'),
        column('objectId'),
        column('strategy'),
        rows.map(({ location }) => JSON.stringify(location)),
        column('nowMs'),
        column('giveUp'),
        column('parentId'),
        column('lenderNamespace'),
      ],
    });
  }

  /** Pending rows whose time has come, by id. */
  async duePage(query: { workflowUid: string; nowMs: number; afterId?: number; limit: number }): Promise<ArtifactDeletion[]> {
    return this.#database.run<ArtifactDeletion>({
      name: 'gc-due',
      text: `
        SELECT ${DELETION_FIELDS} FROM artifact_deletions
        WHERE state = 'pending' AND next_try_at_ms <= $1 AND workflow = $2 AND id > $3 ORDER BY id LIMIT $4`,
      values: [query.nowMs, query.workflowUid, query.afterId ?? 0, query.limit],
    });
  }

  /** When the next of a workflow's pending rows is due; undefined where nothing is pending. The sum keeps Postgres from walking through those of all workflows in order of time. */
  async nextTryAtMs(uid: string): Promise<number | undefined> {
    const [row] = await this.#database.run<{ next: number | null }>({
      name: 'gc-next-try',
      text: `SELECT min(next_try_at_ms + 0) AS next FROM artifact_deletions WHERE state = 'pending' AND workflow = $1`,
      values: [uid],
    });
    return row?.next ?? undefined;
  }

  /** Artifacts of a workflow whose objects are gone, those of a folder all of them, for showing them as deleted. */
  async deletedArtifacts(uid: string): Promise<{ nodeId: string; artifactName: string }[]> {
    return this.#database.run({
      name: 'artifact-deletions-shown',
      text: `
        SELECT DISTINCT node_id AS "nodeId", artifact_name AS "artifactName" FROM artifact_deletions d
        WHERE workflow = $1 AND parent_id IS NULL AND (state = 'deleted'
          OR state = 'expanded' AND NOT EXISTS (SELECT 1 FROM artifact_deletions o WHERE o.parent_id = d.id AND o.state = 'pending'))`,
      values: [uid],
    });
  }

  /** The first deletion of a workflow that does not succeed; undefined where none fails. */
  async firstFailure(uid: string): Promise<{ strategy: DeletionStrategy; error: string } | undefined> {
    const rows = await this.#database.run<{ strategy: DeletionStrategy; error: string }>({
      name: 'gc-first-failure',
      text: `
        SELECT strategy, last_error AS error FROM artifact_deletions
        WHERE workflow = $1 AND last_error IS NOT NULL ORDER BY id LIMIT 1`,
      values: [uid],
    });
    return rows[0];
  }

  /** Rows of a namespace, or of the workflows of one name in it, by id after `afterId`. */
  async shownPage(query: { namespace: string; workflowName?: string; afterId: number; limit: number }): Promise<ShownDeletion[]> {
    return this.#database.run<ShownDeletion>({
      name: 'gc-shown',
      text: `
        SELECT ${DELETION_FIELDS}, state FROM artifact_deletions
        WHERE namespace = $1 AND ($2::text IS NULL OR workflow_name = $2) AND id > $3 ORDER BY id LIMIT $4`,
      values: [query.namespace, query.workflowName ?? null, query.afterId, query.limit],
    });
  }

  /**
   * Writes what became of rows that were tried, all in one statement. The row of an object out of a folder goes with its object, so that the
   * table stays small however many there were; ids are asked for twice, so that no plan reads the whole table. Rows that somebody else has finished meanwhile are left as they are.
   * Rows are locked by rising id.
   */
  async recordResults(unsorted: readonly DeletionResult[], nowMs: number): Promise<void> {
    if (unsorted.length === 0) return;
    const results = [...unsorted].sort((left, right) => left.id - right.id);
    await this.#database.run({
      name: 'gc-results',
      text: `
        WITH tried AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::bigint[])
            AS t (id, state, error, attempts, next_try_at_ms)),
          gone AS (DELETE FROM artifact_deletions d USING tried t
            WHERE d.id = ANY($1::bigint[]) AND d.id = t.id AND d.state = 'pending' AND d.parent_id IS NOT NULL AND t.state = 'deleted')
        UPDATE artifact_deletions d SET state = t.state, last_error = t.error, attempts = d.attempts + t.attempts,
          next_try_at_ms = coalesce(t.next_try_at_ms, d.next_try_at_ms), finished_at_ms = CASE WHEN t.state <> 'pending' THEN $6::bigint END
        FROM tried t
        WHERE d.id = ANY($1::bigint[]) AND d.id = t.id AND d.state = 'pending' AND NOT (d.parent_id IS NOT NULL AND t.state = 'deleted')`,
      values: [
        results.map(({ id }) => id),
        results.map(({ state }) => state),
        results.map(({ error }) => error?.replaceAll('\u0000', '') ?? null),
        results.map((result) => (result.state === 'pending' ? Number(result.attempted) : result.error === undefined ? 0 : 1)),
        results.map((result) => (result.state === 'pending' ? result.nextTryAtMs : null)),
        nowMs,
      ],
    });
  }

  /** Workflows with pending rows that have been due since before `overdueBeforeMs`. */
  async overdueWorkflows(query: GcPageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ workflow: string }>({
      name: 'gc-overdue',
      text: `
        SELECT DISTINCT workflow FROM artifact_deletions
        WHERE state = 'pending' AND next_try_at_ms < $1 AND workflow > $2 ORDER BY workflow LIMIT $3`,
      values: [query.overdueBeforeMs, query.afterUid ?? '', query.limit],
    });
    return rows.map(({ workflow }) => workflow);
  }

  /** Workflows that were finished or deleted before `overdueBeforeMs` and whose deletions were not planned since. */
  async unplannedWorkflows(query: GcPageQuery): Promise<string[]> {
    const rows = await this.#database.run<{ workflow: string }>({
      name: 'gc-unplanned',
      text: `
        SELECT DISTINCT workflow FROM handoffs
        WHERE queue = 'artifact-gc' AND requested_at_ms < $1 AND workflow > $2 ORDER BY workflow LIMIT $3`,
      values: [query.overdueBeforeMs, query.afterUid ?? '', query.limit],
    });
    return rows.map(({ workflow }) => workflow);
  }

  /** Forgets rows that were done before `finishedBeforeMs` and whose workflow is gone; gives how many. Those of a workflow that is there show what was deleted. */
  async purgeFinished(query: { finishedBeforeMs: number; limit: number }): Promise<number> {
    const rows = await this.#database.run({
      name: 'gc-purge',
      text: `
        DELETE FROM artifact_deletions WHERE id IN (
          SELECT id FROM artifact_deletions d WHERE finished_at_ms < $1 AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = d.workflow)
          LIMIT $2 FOR UPDATE OF d SKIP LOCKED) RETURNING 1`,
      values: [query.finishedBeforeMs, query.limit],
    });
    return rows.length;
  }

  /** For metrics. */
  async countsByState(): Promise<Partial<Record<DeletionState, number>>> {
    const rows = await this.#database.run<{ state: DeletionState; count: number }>({
      name: 'gc-counts',
      text: 'SELECT state, count(*) AS count FROM artifact_deletions GROUP BY state',
    });
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  /** How many deletions wait for another try after an error. */
  async failingCount(): Promise<number> {
    const [row] = await this.#database.run<{ count: number }>({
      name: 'gc-failing',
      text: "SELECT count(*) AS count FROM artifact_deletions WHERE last_error IS NOT NULL AND state = 'pending'",
    });
    return row?.count ?? 0;
  }
}
