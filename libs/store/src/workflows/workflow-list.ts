import { type SQL } from 'drizzle-orm';

import { sql } from '../connection/drizzle.js';
import { type Executor } from '../connection/database.js';
import { toStatement } from '../connection/drizzle-statement.js';
import { workflowState, workflows } from '../schema/workflow-tables.js';
import { labelCondition } from '../selectors/label-conditions.js';
import { type LabelRequirement } from '../selectors/label-selector.js';

/** How `name` is compared; Argo's `nameFilter`. */
export type NameMatch = 'exact' | 'prefix' | 'contains' | 'not-equal';

/** Which workflows, newest first. Every field that is absent does not restrict. */
export interface WorkflowListQuery {
  namespace?: string;
  notNamespace?: string;
  name?: { match: NameMatch; value: string };
  labels?: readonly LabelRequirement[];
  phases?: readonly string[];
  /** Exact value of the instance id the workflow was submitted with; '' selects those with none. */
  instanceId?: string;
  createdAfterMs?: number;
  startedAfterMs?: number;
  startedBeforeMs?: number;
  finishedBeforeMs?: number;
  /** Leaves out those whose deletion was asked for. */
  undeleted?: boolean;
  /** Default 500. */
  limit?: number;
  /** From the last row of the previous page: the page begins after it. */
  after?: { createdAtMs: number; uid: string };
  /** Rows to skip; Argo's own `continue` is such a number. Costs O(offset): prefer `after`. */
  offset?: number;
}

/** One workflow of a list: columns only, no JSON body is read. */
export interface WorkflowListRow {
  uid: string;
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  phase: string;
  message: string;
  progress: string;
  version: number;
  /** See StateVersion.revision. */
  revision: number;
  /** As LoadedState.archiving. */
  archiving: 'Pending' | 'Archived' | null;
  createdAtMs: number;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  deletedAtMs: number | null;
}
export interface WorkflowPage {
  rows: WorkflowListRow[];
  /** Present where more rows may follow. */
  next?: { createdAtMs: number; uid: string };
}

const DEFAULT_LIMIT = 500;

/** Labels as submitted, overlaid with those that the engine added and people have changed; null where one was taken off. */
const LABELS = sql`(${workflows.labels} || ${workflowState.labels})`;
const ANNOTATIONS = sql`(${workflows.annotations}::jsonb || coalesce(${workflowState.annotations}, '{}'))`;
const ARCHIVING = sql`
  CASE WHEN NOT ${workflowState.completed} THEN NULL
    WHEN EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'archive' AND h.workflow = ${workflowState.uid}) THEN 'Pending'
    WHEN EXISTS (SELECT 1 FROM archive_marks a WHERE a.workflow = ${workflowState.uid} AND a.archived) THEN 'Archived' END AS archiving`;
const FROM = sql`FROM ${workflows} JOIN ${workflowState} ON ${workflowState.uid} = ${workflows.uid}`;

export async function readWorkflowPage(executor: Executor, query: WorkflowListQuery): Promise<WorkflowPage> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const conditions = conditionsOf(query);
  if (query.after) {
    conditions.push(sql`(${workflows.createdAtMs}, ${workflows.uid}) < (${query.after.createdAtMs}, ${query.after.uid})`);
  }
  const rows = await executor.run<WorkflowListRow>(
    toStatement(sql`
      SELECT ${workflows.uid} AS uid, ${workflows.namespace} AS namespace, ${workflows.name} AS name, jsonb_strip_nulls(${LABELS}) AS labels,
        jsonb_strip_nulls(${ANNOTATIONS}) AS annotations, ${workflowState.phase} AS phase, ${workflowState.message} AS message,
        ${workflowState.progress} AS progress, ${workflowState.version} AS version, ${workflowState.revision} AS revision, ${workflows.createdAtMs} AS "createdAtMs",
        ${workflowState.startedAtMs} AS "startedAtMs", ${workflowState.finishedAtMs} AS "finishedAtMs", ${workflows.deletedAtMs} AS "deletedAtMs",
        ${ARCHIVING}
      ${FROM} WHERE ${sql.join(conditions, sql` AND `)}
      ORDER BY ${workflows.createdAtMs} DESC, ${workflows.uid} DESC LIMIT ${limit} OFFSET ${query.offset ?? 0}`),
  );
  const last = rows.at(-1);
  return rows.length === limit && last ? { rows, next: { createdAtMs: last.createdAtMs, uid: last.uid } } : { rows };
}

export async function countWorkflows(executor: Executor, query: WorkflowListQuery): Promise<number> {
  const conditions = conditionsOf(query);
  const rows = await executor.run<{ count: number }>(
    toStatement(sql`SELECT count(*) AS count ${FROM} WHERE ${sql.join(conditions, sql` AND `)}`),
  );
  return rows[0]?.count ?? 0;
}

function conditionsOf(query: WorkflowListQuery): SQL[] {
  const conditions: SQL[] = [sql`true`];
  const add = <Value>(value: Value | undefined, condition: (value: Value) => SQL) => {
    if (value !== undefined) conditions.push(condition(value));
  };
  add(query.namespace, (value) => sql`${workflows.namespace} = ${value}`);
  add(query.notNamespace, (value) => sql`${workflows.namespace} <> ${value}`);
  add(query.name, ({ match, value }) => nameCondition(match, value));
  add(query.phases, (values) => sql`${workflowState.phase} = ANY(${sql.param([...values])}::text[])`);
  add(query.instanceId, (value) => sql`${workflows.instanceId} = ${value}`);
  add(query.createdAfterMs, (value) => sql`${workflows.createdAtMs} > ${value}`);
  add(query.startedAfterMs, (value) => sql`${workflowState.startedAtMs} > ${value}`);
  add(query.startedBeforeMs, (value) => sql`${workflowState.startedAtMs} < ${value}`);
  add(query.finishedBeforeMs, (value) => sql`${workflowState.finishedAtMs} < ${value}`);
  if (query.undeleted) conditions.push(sql`${workflows.deletedAtMs} IS NULL`);
  for (const requirement of query.labels ?? [])
    conditions.push(labelCondition(requirement, sql`(${LABELS} ->> ${requirement.key})`));
  return conditions;
}

function nameCondition(match: NameMatch, value: string): SQL {
  switch (match) {
    case 'exact':
      return sql`${workflows.name} = ${value}`;
    case 'not-equal':
      return sql`${workflows.name} <> ${value}`;
    case 'prefix':
      return sql`starts_with(${workflows.name}, ${value})`;
    case 'contains':
      return sql`strpos(${workflows.name}, ${value}) > 0`;
  }
}
