import { type NodeRow, type RequestOutcome, type WorkflowHeader } from '#libs/engine';
import { isFinishedWorkflowPhase, parseTime } from '#libs/workflow-spec';

import { type AdmissionChange } from '../admission/admit.js';
import { type Statement } from '../connection/database.js';
import { type MemoSave } from '../memos/memo.repository.js';
import { type LockChanges } from '../locks/lock-changes.js';
import { byKey } from '../pods/pod-identity.js';
import { nodeColumns } from './node-columns.js';

/** Services that a commit may leave work for. */
export type HandoffQueue = 'record' | 'archive' | 'artifact-gc';

export interface PodInsert {
  nodeId: string;
  incarnation: number;
  podName: string;
  namespace: string;
  /** 0 … POD_BUCKETS-1. */
  bucket: number;
  /** The built pod, as JSON. */
  manifest: unknown;
}
export interface PodDesiredChange {
  nodeId: string;
  incarnation: number;
  desired: 'terminate' | 'delete';
  /** How long nobody acts on it. */
  delayMs?: number;
}

/** One decision to be made durable. Everything in it happens, or nothing. */
export interface CommitInput {
  uid: string;
  /** The version that was decided upon. */
  expectedVersion: number;
  /** Absent: unchanged. */
  header?: WorkflowHeader;
  /** Nodes to insert or replace. */
  nodes?: readonly NodeRow[];
  removedNodeIds?: readonly string[];
  podInserts?: readonly PodInsert[];
  podDesired?: readonly PodDesiredChange[];
  /** Ids as given by InboxEntry. */
  consumedInboxIds?: readonly string[];
  outcomes?: readonly RequestOutcome[];
  /** Outputs to remember, one for each place. */
  memos?: readonly MemoSave[];
  /** When to look again; null: never. Absent: unchanged. */
  nextWakeAtMs?: number | null;
  /** When the finished workflow may be deleted (its TTL); null: never. Absent: unchanged. */
  expiresAtMs?: number | null;
  /** Whether the workflow is done; default: the header's phase is final. */
  finished?: boolean;
  /** Work for others; default where `header` is given and the workflow is done: `record`, `archive` and `artifact-gc`. */
  handoffs?: readonly HandoffQueue[];
  /** What is asked for or given back of locks; granted within the same transaction. */
  locks?: LockChanges;
  /** Whether the workflow wants to be, or is no more, one of the running ones. */
  admission?: AdmissionChange;
  /** True where the tree was rebuilt and caches of it must be dropped. */
  newTreeEpoch?: boolean;
  nowMs: number;
}

/** `fenced`: another commit came first, or the workflow is gone; nothing was written. */
export type CommitOutcome =
  | {
      committed: true;
      version: number;
      nodeRevision: number;
      treeEpoch: number;
      revision: number;
      /** Workflows, this one included, that were told something about locks or admission by this commit. */
      wake: string[];
    }
  | { committed: false; fenced: true };

/** Collects values and gives their placeholders. */
class Values {
  readonly list: unknown[] = [];
  add(value: unknown): string {
    return `$${this.list.push(value)}`;
  }
}

interface Part {
  /** Tells variants of the statement apart: each is parsed and planned once per connection. */
  key: string;
  sql: (values: Values) => string;
}

/**
 * The commit as one statement: the fence is an UPDATE of the state row by uid and version, and every other part reads from it, so
 * that nothing is written where it matched no row. A concurrent commit of the same version waits for the row, finds the version
 * changed and matches nothing. One round trip, one COMMIT.
 */
export function commitStatement(input: CommitInput): Statement {
  const parts = partsOf(input);
  const values = new Values();
  const fence = fenceSql(input, values);
  const clauses = parts.map((part, index) => `part_${index} AS (${part.sql(values)})`);
  return {
    name: `commit-${fence.key}-${parts.map(({ key }) => key).join('')}`,
    text: `WITH ${[`fence AS (${fence.sql})`, ...clauses].join(', ')} SELECT version, node_revision, tree_epoch, revision FROM fence`,
    values: values.list,
  };
}

function fenceSql(input: CommitInput, values: Values): { key: string; sql: string } {
  const nodesChange = (input.nodes?.length ?? 0) + (input.removedNodeIds?.length ?? 0) > 0;
  const assignments = ['version = version + 1', `updated_at_ms = ${values.add(input.nowMs)}`];
  const key: string[] = [];
  const assign = (letter: string, ...sql: string[]) => {
    key.push(letter);
    assignments.push(...sql);
  };
  if (nodesChange) assign('n', 'node_revision = version + 1');
  if (nodesChange || input.header) assign('v', 'visible_version = version + 1', `revision = nextval('workflow_revisions')`);
  if (input.newTreeEpoch) assign('e', 'tree_epoch = tree_epoch + 1');
  if (input.nextWakeAtMs !== undefined) assign('w', `next_wake_at_ms = ${values.add(input.nextWakeAtMs)}`);
  if (input.expiresAtMs !== undefined) assign('x', `expires_at_ms = ${values.add(input.expiresAtMs)}`);
  if (input.header) assign('h', ...headerAssignments(input.header, isFinished(input), values));
  else if (input.finished !== undefined) assign('f', `completed = ${values.add(input.finished)}`);
  const uid = values.add(input.uid);
  const version = values.add(input.expectedVersion);
  return {
    key: key.join(''),
    sql: `UPDATE workflow_state SET ${assignments.join(', ')} WHERE uid = ${uid} AND version = ${version} RETURNING uid, version, node_revision, tree_epoch, revision`,
  };
}

function headerAssignments(header: WorkflowHeader, finished: boolean, values: Values): string[] {
  const { status, edited } = header;
  return [
    `header = ${values.add(JSON.stringify(header))}::json`,
    `engine_level = GREATEST(engine_level, ${values.add(header.engineLevel)})`,
    `phase = ${values.add(status.phase ?? '')}`,
    `message = ${values.add(plainText(status.message))}`,
    `progress = ${values.add(plainText(status.progress))}`,
    `labels = ${values.add(JSON.stringify({ ...edited?.labels, ...header.labels }))}::jsonb`,
    `annotations = ${values.add(JSON.stringify({ ...edited?.annotations, ...header.annotations }))}::jsonb`,
    `started_at_ms = ${values.add(timeMs(status.startedAt))}`,
    `finished_at_ms = ${values.add(timeMs(status.finishedAt))}`,
    `completed = ${values.add(finished)}`,
  ];
}

const isFinished = (input: CommitInput): boolean =>
  input.finished ?? (input.header !== undefined && isFinishedWorkflowPhase(input.header.status.phase ?? ''));

function partsOf(input: CommitInput): Part[] {
  const handoffs = input.handoffs ?? (input.header && isFinished(input) ? (['record', 'archive', 'artifact-gc'] as const) : []);
  const { inserts, changes } = foldPods(input);
  const parts: (Part | false)[] = [
    notEmpty(input.nodes) && { key: 'N', sql: (values) => upsertNodesSql(input.nodes ?? [], values) },
    notEmpty(input.removedNodeIds) && { key: 'R', sql: (values) => removeNodesSql(input.removedNodeIds ?? [], values) },
    notEmpty(inserts) && { key: 'P', sql: (values) => insertPodsSql(inserts, input.nowMs, values) },
    notEmpty(changes) && { key: 'D', sql: (values) => changePodsSql(changes, input.nowMs, values) },
    notEmpty(input.consumedInboxIds) && { key: 'I', sql: (values) => consumeInboxSql(input.consumedInboxIds ?? [], values) },
    notEmpty(input.outcomes) && { key: 'O', sql: (values) => answerSql(input.outcomes ?? [], input.nowMs, values) },
    notEmpty(input.memos) && { key: 'M', sql: (values) => saveMemosSql(input.memos ?? [], values) },
    notEmpty(handoffs) && { key: 'H', sql: (values) => handoffSql(handoffs, input.nowMs, values) },
  ];
  return parts.filter((part) => part !== false);
}

const notEmpty = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;

/**
 * A statement must not touch a row twice: what happens to a pod that is inserted here is folded into the insert. Pods that are changed are
 * locked in the order in which claims lock them.
 */
function foldPods(input: CommitInput) {
  const desired = new Map<string, PodDesiredChange>();
  for (const change of input.podDesired ?? []) desired.set(podKey(change), change);
  const inserts = (input.podInserts ?? []).map((pod) => {
    const change = desired.get(podKey(pod));
    desired.delete(podKey(pod));
    return { ...pod, desired: change?.desired ?? ('run' as const) };
  });
  return { inserts, changes: [...desired.values()].sort((left, right) => byKey(ofWorkflow(left), ofWorkflow(right))) };
}

const ofWorkflow = ({ nodeId, incarnation }: PodDesiredChange) => ({ workflowUid: '', nodeId, incarnation });
const podKey = ({ nodeId, incarnation }: { nodeId: string; incarnation: number }): string => `${incarnation}/${nodeId}`;

function upsertNodesSql(nodes: readonly NodeRow[], values: Values): string {
  const types = ['text', 'text', 'text', 'text', 'text', 'text', 'integer', 'json'];
  const arrays = nodeColumns(nodes).map((column, index) => `${values.add(column)}::${types[index]}[]`);
  return `
    INSERT INTO workflow_nodes (workflow, id, name, type, phase, boundary_id, parents, ordinal, revision, tombstone, body)
    SELECT f.uid, n.id, n.name, n.type, n.phase, n.boundary_id, n.parents::text[], n.ordinal, f.version, false, n.body
    FROM fence f, unnest(${arrays.join(', ')}) AS n (id, name, type, phase, boundary_id, parents, ordinal, body)
    ON CONFLICT (workflow, id) DO UPDATE SET name = excluded.name, type = excluded.type, phase = excluded.phase,
      boundary_id = excluded.boundary_id, parents = excluded.parents, ordinal = excluded.ordinal, revision = excluded.revision,
      tombstone = false, body = excluded.body`;
}

function removeNodesSql(ids: readonly string[], values: Values): string {
  return `
    UPDATE workflow_nodes n SET tombstone = true, body = NULL, revision = f.version
    FROM fence f WHERE n.workflow = f.uid AND n.id = ANY(${values.add(ids)}::text[])`;
}

function insertPodsSql(pods: readonly (PodInsert & { desired: string })[], nowMs: number, values: Values): string {
  const arrays = [
    `${values.add(pods.map(({ nodeId }) => nodeId))}::text[]`,
    `${values.add(pods.map(({ incarnation }) => incarnation))}::integer[]`,
    `${values.add(pods.map(({ podName }) => podName))}::text[]`,
    `${values.add(pods.map(({ namespace }) => namespace))}::text[]`,
    `${values.add(pods.map(({ bucket }) => bucket))}::smallint[]`,
    `${values.add(pods.map(({ desired }) => desired))}::text[]`,
    `${values.add(pods.map(({ manifest }) => JSON.stringify(manifest)))}::json[]`,
  ];
  const now = values.add(nowMs);
  return `
    INSERT INTO pods (workflow, node_id, incarnation, name, namespace, bucket, desired, manifest, created_at_ms, changed_at_ms)
    SELECT f.uid, p.node_id, p.incarnation, p.name, p.namespace, p.bucket, p.desired, p.manifest, ${now}::bigint, ${now}::bigint
    FROM fence f, unnest(${arrays.join(', ')}) AS p (node_id, incarnation, name, namespace, bucket, desired, manifest)
    ON CONFLICT (workflow, node_id, incarnation) DO NOTHING`;
}

/** Workflows remember under the same keys: all of them lock the rows in one order. */
function saveMemosSql(memos: readonly MemoSave[], values: Values): string {
  const arrays = [
    `${values.add(memos.map(({ namespace }) => namespace))}::text[]`,
    `${values.add(memos.map(({ cache }) => cache))}::text[]`,
    `${values.add(memos.map(({ key }) => key))}::text[]`,
    `${values.add(memos.map(({ entry }) => JSON.stringify(entry)))}::json[]`,
    `${values.add(memos.map(({ lastHitAtMs }) => lastHitAtMs))}::bigint[]`,
  ];
  return `
    INSERT INTO memo_entries (namespace, cache, key, entry, last_hit_at_ms)
    SELECT m.namespace, m.cache, m.key, m.entry, m.last_hit_at_ms
    FROM fence f, unnest(${arrays.join(', ')}) AS m (namespace, cache, key, entry, last_hit_at_ms)
    ORDER BY m.namespace, m.cache, m.key
    ON CONFLICT (namespace, cache, key) DO UPDATE SET entry = excluded.entry, last_hit_at_ms = excluded.last_hit_at_ms`;
}

/** What is to be deleted is never to be terminated again. IS DISTINCT FROM: see the claim of PodStatusRepository. */
function changePodsSql(changes: readonly PodDesiredChange[], nowMs: number, values: Values): string {
  const nodeIds = values.add(changes.map(({ nodeId }) => nodeId));
  const incarnations = values.add(changes.map(({ incarnation }) => incarnation));
  const desired = values.add(changes.map((change) => change.desired));
  const changedAtMs = values.add(changes.map(({ delayMs = 0 }) => nowMs + delayMs));
  return `
    UPDATE pods p SET desired = c.desired, changed_at_ms = c.changed_at_ms
    FROM fence f, unnest(${nodeIds}::text[], ${incarnations}::integer[], ${desired}::text[], ${changedAtMs}::bigint[])
      AS c (node_id, incarnation, desired, changed_at_ms)
    WHERE p.workflow = f.uid AND p.node_id = c.node_id AND p.incarnation = c.incarnation 
      AND p.desired IS DISTINCT FROM 'delete' AND p.desired <> c.desired`;
}

function consumeInboxSql(ids: readonly string[], values: Values): string {
  return `DELETE FROM workflow_inbox i USING fence f WHERE i.workflow = f.uid AND i.id = ANY(${values.add(ids)}::bigint[])`;
}

function answerSql(outcomes: readonly RequestOutcome[], nowMs: number, values: Values): string {
  const now = values.add(nowMs);
  return `
    INSERT INTO workflow_requests (request_id, workflow, created_at_ms, answered_at_ms, outcome)
    SELECT o.request_id, f.uid, ${now}::bigint, ${now}::bigint, o.outcome
    FROM fence f, unnest(${values.add(outcomes.map(({ requestId }) => requestId))}::text[], ${values.add(outcomes.map((outcome) => JSON.stringify(outcome)))}::json[]) AS o (request_id, outcome)
    ON CONFLICT (request_id) DO UPDATE SET outcome = excluded.outcome, answered_at_ms = excluded.answered_at_ms
    WHERE workflow_requests.outcome IS NULL`;
}

function handoffSql(queues: readonly HandoffQueue[], nowMs: number, values: Values): string {
  return `
    INSERT INTO handoffs (queue, workflow, version, requested_at_ms)
    SELECT queue, f.uid, f.version, ${values.add(nowMs)} FROM fence f, unnest(${values.add(queues)}::text[]) AS queue
    ON CONFLICT DO NOTHING`;
}

/** A text column cannot hold U+0000; the body keeps it. */
const plainText = (text: string | undefined): string => (text ?? '').replaceAll('\u0000', '');

const timeMs = (time: string | null | undefined): number | null => (time ? parseTime(time) : null);
