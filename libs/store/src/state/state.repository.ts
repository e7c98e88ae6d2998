import { type InboxEntry, type NodeRow, type SubmittedWorkflow, type WorkflowHeader } from '#libs/engine';

import { type ChangeFeed } from '../changes/change-feed.js';
import { type Database, type Executor } from '../connection/database.js';
import { inboxEntriesSql, toInboxEntry, type StoredInboxRow } from '../inbox/inbox-rows.js';
import { type CommitInput, type CommitOutcome, commitStatement } from './commit.js';
import { commitWithLocks } from '../locks/commit-with-locks.js';
import { NODE_FIELDS, type StoredNode, toNodeRow } from './node-columns.js';

/** The state row of a workflow without its body. */
export interface StateVersion {
  version: number;
  /** The version of the last change that readers can see. */
  visibleVersion: number;
  /** From one sequence for all workflows, new with every visible change: what readers see as resourceVersion. */
  revision: number;
  treeEpoch: number;
  nodeRevision: number;
  completed: boolean;
  deletedAtMs: number | null;
  engineLevel: number;
}

/** Everything about one workflow, as of one version. `header` is absent until the first decision. */
export interface LoadedState extends StateVersion {
  submitted: SubmittedWorkflow;
  header: WorkflowHeader | undefined;
  createdAtMs: number;
  updatedAtMs: number;
  nextWakeAtMs: number | null;
  /** Where a finished workflow is on its way into the archive; null where it does not go there. */
  archiving: 'Pending' | 'Archived' | null;
  /** In order of `ordinal`. */
  nodes: NodeRow[];
}

/** What changed since a version that the caller holds. */
export interface StateChanges extends StateVersion {
  /** Absent where the version is the caller's. */
  header?: WorkflowHeader;
  changedNodes: NodeRow[];
  removedNodeIds: string[];
}

export interface InboxReading extends StateVersion {
  nextWakeAtMs: number | null;
  entries: InboxEntry[];
  /** The workflow itself where nothing was decided about it yet: then there is no more to load. Absent otherwise. */
  undecided?: SubmittedWorkflow;
  /** Whether more entries than `limit` wait. */
  more: boolean;
}

const STATE_FIELDS = `
  s.version, s.visible_version AS "visibleVersion", s.revision, s.tree_epoch AS "treeEpoch", s.node_revision AS "nodeRevision", s.completed,
  s.engine_level AS "engineLevel", w.deleted_at_ms AS "deletedAtMs"`;
const FROM_STATE = 'FROM workflow_state s JOIN workflows w ON w.uid = s.uid WHERE s.uid = $1';

const ARCHIVING = `
  CASE WHEN NOT s.completed THEN NULL
    WHEN EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'archive' AND h.workflow = s.uid) THEN 'Pending'
    WHEN EXISTS (SELECT 1 FROM archive_marks a WHERE a.workflow = s.uid AND a.archived) THEN 'Archived' END AS archiving`;

/** Nodes that travel in the same statement as the header; larger workflows continue page by page, so that no row holds megabytes. */
const FIRST_NODES = 300;
const NODE_PAGE = 1000;

const firstNodesSql = (condition: string, order: string, limit: number) =>
  `(SELECT json_agg(n) FROM (SELECT ${NODE_FIELDS} FROM workflow_nodes WHERE workflow = $1 AND ${condition} ORDER BY ${order} LIMIT ${limit}) n)`;

const LOAD_SQL = `
SELECT ${STATE_FIELDS}, s.header, w.submitted, w.created_at_ms AS "createdAtMs", s.updated_at_ms AS "updatedAtMs", s.next_wake_at_ms AS "nextWakeAtMs", ${ARCHIVING},
  ${firstNodesSql('NOT tombstone', 'ordinal, id', FIRST_NODES)} AS "firstNodes" ${FROM_STATE}`;

const LOAD_SINCE_SQL = `
SELECT ${STATE_FIELDS}, CASE WHEN s.version = $2 THEN NULL ELSE s.header END AS header,
  ${firstNodesSql('revision > $3', 'revision, id', FIRST_NODES)} AS "firstNodes" ${FROM_STATE}`;

const LOAD_INBOX_SQL = `
SELECT ${STATE_FIELDS}, s.next_wake_at_ms AS "nextWakeAtMs", CASE WHEN s.version = 0 THEN w.submitted END AS undecided, ${inboxEntriesSql('$1', '$2')} AS entries ${FROM_STATE}`;

interface CommittedRow {
  version: number;
  node_revision: number;
  tree_epoch: number;
  revision: number;
}
type LoadRow = Omit<LoadedState, 'nodes' | 'header'> & { header: WorkflowHeader | null; firstNodes: StoredNode[] | null };
type SinceRow = StateVersion & { header: WorkflowHeader | null; firstNodes: StoredNode[] | null };
type InboxRow = Omit<InboxReading, 'entries' | 'more' | 'undecided'> & {
  entries: StoredInboxRow[] | null;
  undecided: SubmittedWorkflow | null;
};

/** The hot state of workflows: read by everyone, changed only by `commit`. */
export class WorkflowStateRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  /**
   * The whole state as of one version, or undefined where there is no such workflow. Large trees are read in pages without a
   * transaction: changes that arrive between two pages are read afterwards until a version held still.
   */
  async load(uid: string): Promise<LoadedState | undefined> {
    const rows = await this.#database.run<LoadRow>({ name: 'state-load', text: LOAD_SQL, values: [uid] });
    const row = rows[0];
    if (!row) return undefined;
    const { firstNodes, header, ...state } = row;
    const first = firstNodes ?? [];
    const loaded: LoadedState = { ...state, header: header ?? undefined, nodes: first.map(toNodeRow) };
    if (first.length < FIRST_NODES) return loaded;
    return this.#loadRest(uid, loaded, first);
  }

  /**
   * What changed after `version` (of the header) and `nodeRevision` (of the nodes); costs O(changed). Undefined where the workflow is
   * gone. Where `treeEpoch` differs from the caller's, the caller drops what it holds and uses `load`.
   */
  async loadSince(uid: string, version: number, nodeRevision: number): Promise<StateChanges | undefined> {
    const rows = await this.#database.run<SinceRow>({
      name: 'state-since',
      text: LOAD_SINCE_SQL,
      values: [uid, version, nodeRevision],
    });
    const row = rows[0];
    if (!row) return undefined;
    const { firstNodes, header, ...state } = row;
    const changed = firstNodes ?? [];
    if (changed.length === FIRST_NODES) {
      for await (const page of nodePages(this.#database, uid, nodeRevision, changed.at(-1))) changed.push(...page);
      const settled = await this.#settle(uid, state.version, changed);
      if (!settled) return undefined;
      return {
        ...settled.state,
        ...((settled.header ?? header) ? { header: settled.header ?? header! } : {}),
        ...partitionNodes(changed),
      };
    }
    return { ...state, ...(header ? { header } : {}), ...partitionNodes(changed) };
  }

  /** The version and up to `limit` inbox entries in one round trip, oldest first; undefined where there is no such workflow. */
  async loadInbox(uid: string, options: { limit: number }): Promise<InboxReading | undefined> {
    const rows = await this.#database.run<InboxRow>({
      name: 'state-inbox',
      text: LOAD_INBOX_SQL,
      values: [uid, options.limit + 1],
    });
    const row = rows[0];
    if (!row) return undefined;
    const { undecided, ...state } = row;
    const entries = (row.entries ?? []).map(toInboxEntry);
    return {
      ...state,
      entries: entries.slice(0, options.limit),
      more: entries.length > options.limit,
      ...(undecided ? { undecided } : {}),
    };
  }

  /** The state without nodes of many workflows, for lists that show more than columns. In no particular order. */
  async loadHeaders(uids: readonly string[]): Promise<(Omit<LoadedState, 'nodes'> & { uid: string })[]> {
    if (uids.length === 0) return [];
    const rows = await this.#database.run<Omit<LoadRow, 'firstNodes'> & { uid: string }>({
      name: 'state-headers',
      text: `
        SELECT s.uid, ${STATE_FIELDS}, s.header, w.submitted, w.created_at_ms AS "createdAtMs", s.updated_at_ms AS "updatedAtMs",
          s.next_wake_at_ms AS "nextWakeAtMs", ${ARCHIVING}
        FROM workflow_state s JOIN workflows w ON w.uid = s.uid WHERE s.uid = ANY($1)`,
      values: [uids],
    });
    return rows.map((row) => ({ ...row, header: row.header ?? undefined }));
  }

  /**
   * Makes a decision durable, fenced by the version. A connection lost on the way throws TransientError: the outcome is unknown and
   * the caller loads again. Crash point: after the COMMIT before hints are sent nothing is lost, the sweepers find the rows.
   */
  async commit(input: CommitInput): Promise<CommitOutcome> {
    const { row, wake } = await commitWithLocks<CommittedRow>(this.#database, commitStatement(input), input);
    if (!row) return { committed: false, fenced: true };
    this.#changes.publish({ uid: input.uid, type: 'changed' });
    return {
      committed: true,
      version: row.version,
      nodeRevision: row.node_revision,
      treeEpoch: row.tree_epoch,
      revision: row.revision,
      wake,
    };
  }

  async #loadRest(uid: string, loaded: LoadedState, first: StoredNode[]): Promise<LoadedState | undefined> {
    const stored = [...first];
    for await (const page of ordinalPages(this.#database, uid, first.at(-1))) stored.push(...page);
    const settled = await this.#settle(uid, loaded.version, stored);
    if (!settled) return undefined;
    const { changedNodes } = partitionNodes(stored);
    changedNodes.sort((left, right) => left.ordinal - right.ordinal || (left.id < right.id ? -1 : 1));
    return { ...loaded, ...settled.state, header: settled.header ?? loaded.header, nodes: changedNodes };
  }

  /** Appends nodes that changed after `version` until the version holds still. Later entries of `stored` win. */
  async #settle(
    uid: string,
    version: number,
    stored: StoredNode[],
  ): Promise<{ state: StateVersion; header?: WorkflowHeader } | undefined> {
    let from = version;
    let header: WorkflowHeader | undefined;
    for (;;) {
      const rows = await this.#database.run<SinceRow>({ name: 'state-since', text: LOAD_SINCE_SQL, values: [uid, from, from] });
      const row = rows[0];
      if (!row) return undefined;
      const { firstNodes, header: newer, ...state } = row;
      const changed = firstNodes ?? [];
      stored.push(...changed);
      header = newer ?? header;
      if (changed.length < FIRST_NODES) return { state, ...(header ? { header } : {}) };
      for await (const page of nodePages(this.#database, uid, from, changed.at(-1))) stored.push(...page);
      from = state.version;
    }
  }
}

/** Later entries win; a tombstone removes. */
function partitionNodes(stored: readonly StoredNode[]): { changedNodes: NodeRow[]; removedNodeIds: string[] } {
  const latest = new Map<string, StoredNode>();
  for (const node of stored) {
    const known = latest.get(node.id);
    if (!known || known.revision <= node.revision) latest.set(node.id, node);
  }
  const nodes = [...latest.values()];
  return {
    changedNodes: nodes.filter(({ tombstone }) => !tombstone).map(toNodeRow),
    removedNodeIds: nodes.filter(({ tombstone }) => tombstone).map(({ id }) => id),
  };
}

/** Nodes with a revision above `after`, beginning behind `last`, in pages. */
async function* nodePages(
  executor: Executor,
  uid: string,
  after: number,
  last: StoredNode | undefined,
): AsyncGenerator<StoredNode[]> {
  let cursor = last;
  for (;;) {
    const page: StoredNode[] = await executor.run<StoredNode>({
      name: 'nodes-by-revision',
      text: `SELECT ${NODE_FIELDS} FROM workflow_nodes WHERE workflow = $1 AND revision > $2 AND (revision, id) > ($3, $4) ORDER BY revision, id LIMIT ${NODE_PAGE}`,
      values: [uid, after, cursor?.revision ?? after, cursor?.id ?? ''],
    });
    yield page;
    if (page.length < NODE_PAGE) return;
    cursor = page.at(-1);
  }
}

async function* ordinalPages(executor: Executor, uid: string, last: StoredNode | undefined): AsyncGenerator<StoredNode[]> {
  let cursor = last;
  for (;;) {
    const page: StoredNode[] = await executor.run<StoredNode>({
      name: 'nodes-by-ordinal',
      text: `SELECT ${NODE_FIELDS} FROM workflow_nodes WHERE workflow = $1 AND NOT tombstone AND (ordinal, id) > ($2, $3) ORDER BY ordinal, id LIMIT ${NODE_PAGE}`,
      values: [uid, cursor?.ordinal ?? -1, cursor?.id ?? ''],
    });
    yield page;
    if (page.length < NODE_PAGE) return;
    cursor = page.at(-1);
  }
}
