import { type HeldLock, type NodeRow, type WorkflowHeader } from '#libs/engine';

import { type ChangeFeed } from '../changes/change-feed.js';
import { type Database, type Executor } from '../connection/database.js';
import { WorkflowExistsError } from '../errors.js';
import { takeHeldLocks } from '../locks/lock-changes.js';
import { commitStatement, type CommitInput, type HandoffQueue } from '../state/commit.js';
import { insertWorkflowRows, type NewWorkflow } from '../workflows/workflow-insert.js';

/** The state of a workflow as its object shows it. */
export interface FoundState {
  header: WorkflowHeader;
  nodes: readonly NodeRow[];
  /** Locks that it holds, whatever their limits. */
  locks: readonly HeldLock[];
  /** The version of our rows that the object shows; 0 where it is not ours. What is stored gets a greater one. */
  shownVersion: number;
  /** When the finished workflow may be deleted; null: never. */
  expiresAtMs: number | null;
  /** Work that is left for others. */
  handoffs: readonly HandoffQueue[];
  /** It is in the archive already. */
  isArchived: boolean;
  nowMs: number;
}

/** A workflow of which there are no rows. */
export interface FoundWorkflow extends FoundState {
  workflow: NewWorkflow;
}

/** Nodes in one statement. */
const NODES_AT_ONCE = 500;

/**
 * Brings workflows back into the tables from what is outside of them. Each call is one transaction: there is never a workflow that looks as
 * if it had not begun. Whoever comes second, or late, changes nothing.
 */
export class TakeoverRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  /** Stores a workflow with all of its state; `exists`: somebody was quicker. Throws WorkflowExistsError where another one has the name. */
  async import({ workflow, ...state }: FoundWorkflow): Promise<'imported' | 'exists'> {
    const { uid = '', namespace = '', name = '' } = workflow.submitted.metadata;
    const isNew = await this.#database.transaction(async (tx) => {
      if ((await insertWorkflowRows(tx, [workflow])).size === 0) return false;
      await store(tx, uid, state);
      return true;
    });
    if (isNew) {
      this.#changes.publish({ uid, type: 'changed' });
      return 'imported';
    }
    const known = await this.#database.run({ text: 'SELECT 1 FROM workflows WHERE uid = $1', values: [uid] });
    if (known.length === 0) throw new WorkflowExistsError(namespace, name);
    return 'exists';
  }

  /** Whether the rows are older than what the object shows: they were put back to an earlier state of the database. */
  async isBehind(uid: string, shownVersion: number): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'takeover-behind',
      text: 'SELECT 1 FROM workflow_state WHERE uid = $1 AND visible_version < $2',
      values: [uid, shownVersion],
    });
    return rows.length > 0;
  }

  /**
   * Puts the state that the object shows in the place of rows that are older than it. What waits in the inbox goes: reports are made again, and
   * requests were carried out or are to be repeated by who asked. `newer`: the rows are as new as the object by now, and stay.
   */
  async overtake(uid: string, state: FoundState): Promise<'imported' | 'newer'> {
    const isOlder = await this.#database.transaction(async (tx) => {
      const rows = await tx.run({
        text: 'SELECT 1 FROM workflow_state WHERE uid = $1 AND visible_version < $2 FOR UPDATE',
        values: [uid, state.shownVersion],
      });
      if (rows.length === 0) return false;
      for (const table of ['workflow_nodes', 'workflow_inbox'])
        await tx.run({ text: `DELETE FROM ${table} WHERE workflow = $1`, values: [uid] });
      await store(tx, uid, state);
      return true;
    });
    if (!isOlder) return 'newer';
    this.#changes.publish({ uid, type: 'changed' });
    return 'imported';
  }
}

/** The header comes with the last nodes, so that its version is that of everything. */
async function store(tx: Executor, uid: string, state: FoundState): Promise<void> {
  const { header, nodes, locks, shownVersion, expiresAtMs, handoffs, isArchived, nowMs } = state;
  await tx.run({ text: 'UPDATE workflow_state SET version = GREATEST(version, $2) WHERE uid = $1', values: [uid, shownVersion] });
  let [version] = await tx.run<{ version: number }>({
    text: 'SELECT version FROM workflow_state WHERE uid = $1',
    values: [uid],
  });
  const commit = async (input: Omit<CommitInput, 'uid' | 'expectedVersion' | 'nowMs'>): Promise<void> => {
    const statement = commitStatement({ uid, expectedVersion: version?.version ?? 0, nowMs, ...input });
    // Made once for a workflow: not worth a plan that is kept.
    const { name: _name, ...once } = statement;
    [version] = await tx.run<{ version: number }>(once);
  };
  const last = Math.floor(Math.max(0, nodes.length - 1) / NODES_AT_ONCE) * NODES_AT_ONCE;
  for (let at = 0; at < last; at += NODES_AT_ONCE) await commit({ nodes: nodes.slice(at, at + NODES_AT_ONCE), handoffs: [] });
  await commit({ header, nodes: nodes.slice(last), handoffs, expiresAtMs, nextWakeAtMs: nowMs, newTreeEpoch: true });
  await takeHeldLocks(tx, { uid, locks, nowMs });
  if (!isArchived) return;
  await tx.run({
    text: `
      INSERT INTO archive_marks AS m (workflow, version, archived, archived_at_ms) VALUES ($1, $2, true, $3)
      ON CONFLICT (workflow) DO UPDATE SET version = excluded.version, archived = true`,
    values: [uid, version?.version ?? 0, nowMs],
  });
}
