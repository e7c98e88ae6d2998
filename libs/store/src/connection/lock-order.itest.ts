import { expect, it } from 'vitest';

import { type NodeRow } from '#libs/engine';
import { eventually, testStore } from '#libs/testing';
import { type Workflow } from '#libs/workflow-spec';

import { type CommitInput, type NewArtifactDeletion } from '../index.js';

const NOW = 1_700_000_000_000;
const { store } = await testStore({ nowMs: () => NOW });
const sql = (text: string, values: unknown[] = []) => store.database.run<Record<string, unknown>>({ text, values });

let counter = 0;
const metadataOf = (uid: string) => ({ uid, namespace: 'argo', name: uid });
async function submit(): Promise<string> {
  const uid = `wf-${++counter}`;
  await store.workflows.insert({ submitted: { metadata: metadataOf(uid), spec: {} }, createdAtMs: NOW });
  return uid;
}
const commit = async (uid: string, input: Partial<CommitInput>, expectedVersion = 0): Promise<void> => {
  expect(await store.workflowState.commit({ uid, expectedVersion, nowMs: NOW, ...input })).toMatchObject({ committed: true });
};
const pod = (nodeId: string) => ({ nodeId, incarnation: 0, podName: nodeId, namespace: 'argo', bucket: 0, manifest: {} });
const node = (id: string, ordinal: number): NodeRow => ({ id, ordinal, parents: [], status: { id, name: id, type: 'Pod' } });
const endHeader: NonNullable<CommitInput['header']> = {
  ...{ engineLevel: 1, labels: {}, annotations: {}, internal: {} },
  status: { phase: 'Succeeded' },
};
/** Each of both holds one end already when it comes to the middle, so that whoever gets the middle first waits for the other's end. */
const THREE = ['a', 'b', 'c'];
const EERHT = [...THREE].reverse();

const waitingCount = async (): Promise<number> => {
  const [row] = await sql(`
    SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
  return Number(row?.['count']);
};

/**
 * Runs the first and then the second until each of them waits, for what `held` has locked or for one another; then `held` is let go. Rejects
 * as they do: Postgres ends one of two that wait in a circle.
 */
async function meet(held: string, first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<unknown[]> {
  const running: Promise<unknown>[] = [];
  await store.database.withConnection(async (holder) => {
    await holder.run({ text: 'BEGIN' });
    await holder.run({ text: held });
    for (const start of [first, second]) {
      const run = start();
      // Looked at below.
      run.catch(() => undefined);
      running.push(run);
      await eventually(async () => (await waitingCount()) >= running.length, `${running.length} of both wait`);
    }
    await holder.run({ text: 'ROLLBACK' });
  });
  return Promise.all(running);
}

const recordOf = (uid: string, version: number) => ({
  workflow: metadataOf(uid),
  ...{ version, labels: {}, record: { encoding: 'inline' as const, body: '{}' }, costMs: 1, nowMs: NOW },
});

it('a record that is written while its workflow is deleted neither stands in its way nor stays behind', async () => {
  const uid = await submit();
  await store.records.write(recordOf(uid, 1));
  await store.retention.markDeleted(uid, NOW);
  const deletion = () => store.retention.step(uid, { nowMs: NOW, longestWaitMs: 0 });
  const outcomes = await meet(`SELECT 1 FROM resources WHERE uid = '${uid}' FOR UPDATE`, deletion, () =>
    store.records.write(recordOf(uid, 2)),
  );
  expect(outcomes).toEqual(['gone', 'stale']);
  expect(await sql('SELECT 1 FROM record_marks WHERE workflow = $1', [uid])).toEqual([]);
});

it('a deletion that is planned once more while its workflow goes does not stand in its way', async () => {
  const uid = await submit();
  await store.retention.markDeleted(uid, NOW);
  await store.artifactDeletions.markPlanned(uid, 'OnWorkflowDeletion', NOW);
  await sql(`INSERT INTO handoffs VALUES ('artifact-gc', $1, 7, 0)`, [uid]);
  const plan = () => store.artifactDeletions.markPlanned(uid, 'OnWorkflowDeletion', NOW);
  const deletion = () => store.retention.step(uid, { nowMs: NOW, longestWaitMs: 0 });
  const outcomes = await meet(`SELECT 1 FROM handoffs WHERE workflow = '${uid}' FOR UPDATE`, plan, deletion);
  expect(outcomes).toEqual([false, 'gone']);
});

it('pods are claimed and changed in one order', async () => {
  const uid = await submit();
  await commit(uid, { podInserts: THREE.map(pod) });
  const claim = () =>
    store.podStatus.claimMany(
      THREE.map((nodeId) => ({ workflowUid: uid, nodeId, incarnation: 0 })),
      'host',
      NOW,
    );
  const podDesired = EERHT.map((nodeId) => ({ nodeId, incarnation: 0, desired: 'delete' as const }));
  await meet(`SELECT 1 FROM pods WHERE workflow = '${uid}' AND node_id = 'b' FOR UPDATE`, claim, () =>
    commit(uid, { podDesired }, 1),
  );
  expect((await store.pods.listOfWorkflow(uid)).map(({ desired }) => desired)).toEqual(['delete', 'delete', 'delete']);
});

it('pods of a workflow that is to go are claimed and given up in one order', async () => {
  const uid = await submit();
  for (const [version, nodeId] of EERHT.entries()) await commit(uid, { podInserts: [pod(nodeId)] }, version);
  await store.retention.markDeleted(uid, NOW);
  const claim = () =>
    store.podStatus.claimMany(
      THREE.map((nodeId) => ({ workflowUid: uid, nodeId, incarnation: 0 })),
      'host',
      NOW,
    );
  const deletion = () => store.retention.step(uid, { nowMs: NOW });
  const [claimed] = await meet(`SELECT 1 FROM pods WHERE workflow = '${uid}' AND node_id = 'b' FOR UPDATE`, claim, deletion);
  expect(claimed).toHaveLength(3);
});

it('nodes of a workflow that is to go are not deleted while a decision writes them', async () => {
  const uid = await submit();
  await commit(uid, { header: endHeader, nodes: THREE.map(node) });
  await store.retention.markDeleted(uid, NOW);
  const decision = () => commit(uid, { nodes: EERHT.map(node) }, 1);
  const deletion = () => store.retention.step(uid, { nowMs: NOW, longestWaitMs: 0 });
  const outcomes = await meet(
    `SELECT 1 FROM workflow_nodes WHERE workflow = '${uid}' AND id = 'b' FOR UPDATE`,
    decision,
    deletion,
  );
  expect(outcomes[1]).toBe('gone');
});

it('two decisions remember outputs in one order', async () => {
  const memos = (keys: readonly string[]) =>
    keys.map((key) => ({ namespace: 'argo', cache: 'c', key, entry: { nodeID: 'n', outputs: {} }, lastHitAtMs: NOW }) as never);
  const [one, other] = [await submit(), await submit()];
  await commit(one, { memos: memos(THREE) });
  await meet(
    `SELECT 1 FROM memo_entries WHERE key = 'b' FOR UPDATE`,
    () => commit(one, { memos: memos(THREE) }, 1),
    () => commit(other, { memos: memos(EERHT) }),
  );
});

const deletionOf = (workflowUid: string, objectId: string): NewArtifactDeletion => ({
  ...{ workflowUid, workflowName: workflowUid, namespace: 'argo', nodeId: 'n', artifactName: objectId, objectId },
  ...{ strategy: 'OnWorkflowCompletion', location: {}, giveUp: false, lenderNamespace: null, parentId: null, nowMs: NOW },
});

it('two copies plan the same deletions in one order', async () => {
  const uid = await submit();
  const plan = (ids: readonly string[]) => () => store.artifactDeletions.insertMany(ids.map((id) => deletionOf(uid, id)));
  const held = `
    INSERT INTO artifact_deletions (workflow, workflow_name, namespace, node_id, artifact_name, object_id, strategy, location, next_try_at_ms, created_at_ms)
    VALUES ('${uid}', '', '', '', '', 'b', '', '{}', 0, 0)`;
  await meet(held, plan(THREE), plan(EERHT));
  expect(await sql('SELECT 1 FROM artifact_deletions WHERE workflow = $1', [uid])).toHaveLength(3);
});

it('two copies write what became of the same deletions in one order', async () => {
  const uid = await submit();
  await store.artifactDeletions.insertMany(THREE.map((id) => deletionOf(uid, id)));
  const rows = await store.artifactDeletions.duePage({ workflowUid: uid, nowMs: NOW, limit: 10 });
  const tell = (ids: readonly number[]) => () =>
    store.artifactDeletions.recordResults(
      ids.map((id) => ({ id, state: 'deleted' as const })),
      NOW,
    );
  const ids = rows.map(({ id }) => id);
  await meet(`SELECT 1 FROM artifact_deletions WHERE id = ${ids[1]} FOR UPDATE`, tell(ids), tell([...ids].reverse()));
  expect(await sql(`SELECT 1 FROM artifact_deletions WHERE workflow = $1 AND state = 'deleted'`, [uid])).toHaveLength(3);
});

it('an archived workflow is archived anew and deleted in one order', async () => {
  const uid = 'archived';
  const write = (version: number) => () => {
    const metadata = { ...metadataOf(uid), labels: { a: `${version}`, b: '' } };
    const finishedAt = `2026-01-01T00:00:0${version}Z`;
    const workflow: Workflow = {
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata, spec: {} },
      status: { phase: 'Succeeded', startedAt: finishedAt, finishedAt },
    };
    return store.archive.upsert({ workflow, version, nowMs: NOW, createdAtMs: NOW });
  };
  await write(1)();
  const held = `SELECT 1 FROM argo_archived_workflows WHERE uid = '${uid}' FOR UPDATE`;
  expect(await meet(held, () => store.archive.delete(uid), write(2))).toEqual([true, 'written']);
});

it('submissions of the same names are taken in one order', async () => {
  const insert = (names: readonly string[], by: string) => () =>
    store.workflows.insertMany(
      names.map((name) => ({
        submitted: { metadata: { uid: `${by}-${name}`, namespace: 'same', name }, spec: {} },
        createdAtMs: NOW,
      })),
    );
  const held = `INSERT INTO workflows (uid, namespace, name, submitted, created_at_ms) VALUES ('held', 'same', 'b', '{}', 0)`;
  const outcomes = (await meet(held, insert(THREE, 'one'), insert(EERHT, 'other'))) as string[][];
  expect(outcomes.flat().sort()).toEqual([...Array<string>(3).fill('inserted'), ...Array<string>(3).fill('name-taken')]);
});

it('a takeover has the rows of its locks before it takes back what waits for them', async () => {
  const uid = await submit();
  const lock = (name: string) => ({ name, shown: name, kind: 'mutex' as const, limit: 1 });
  const want = (holder: string, name: string) => ({ holder, attempt: 1, priority: 0, locks: [lock(name)] });
  const other = await submit();
  await commit(other, { locks: { releases: [], wants: [want('x', 'wanted')] } });
  await commit(uid, { locks: { releases: [], wants: [want('y', 'held'), want('z', 'wanted')] } });
  await sql(`DELETE FROM locks WHERE workflow = $1`, [other]);
  const takeover = () =>
    store.takeover.overtake(uid, {
      ...{ header: endHeader, nodes: [], shownVersion: 9, expiresAtMs: null, handoffs: [], isArchived: false, nowMs: NOW },
      locks: [{ ...lock('wanted'), holder: 'z' }],
    });
  await meet(`SELECT 1 FROM locks WHERE workflow = '${uid}' FOR UPDATE`, takeover, () => store.locks.grant(['wanted'], NOW));
  expect(await sql('SELECT name, holder FROM locks WHERE workflow = $1', [uid])).toEqual([{ name: 'wanted', holder: 'z' }]);
});

it('what is pruned waits for nobody who writes it', async () => {
  const uid = await submit();
  await commit(uid, {
    memos: [{ namespace: 'argo', cache: 'pruned', key: 'k', entry: { nodeID: 'n' }, lastHitAtMs: 0 } as never],
  });
  await commit(uid, { podInserts: [pod('gone')], podDesired: [{ nodeId: 'gone', incarnation: 0, desired: 'delete' }] }, 1);
  await sql(`INSERT INTO pod_status VALUES ($1, 'gone', 0, 'h', 'Succeeded', 3, NULL, 0, 0, 0)`, [uid]);
  await sql(`INSERT INTO workflow_requests VALUES ('asked', $1, 0, 0, '{}')`, [uid]);
  const offloaded = `INSERT INTO argo_workflows (uid, namespace, version, nodes, clustername, creationtimestamp, updatedat) VALUES`;
  await sql(`${offloaded} ($1, 'argo', '1', '{}', 'default', '1970-01-01', '1970-01-01')`, [uid]);
  await store.artifactDeletions.insertMany([deletionOf('went', 'o')]);
  await sql(`UPDATE artifact_deletions SET state = 'deleted', finished_at_ms = 0 WHERE workflow = 'went'`);
  const workflow: Workflow = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: metadataOf('old'), spec: {} },
    status: { phase: 'Succeeded', startedAt: '1970-01-01T00:00:01Z', finishedAt: '1970-01-01T00:00:01Z' },
  };
  await store.archive.upsert({ workflow, version: 1, nowMs: NOW, createdAtMs: 0 });
  const pruners: [string, () => Promise<number>][] = [
    [`memo_entries WHERE cache = 'pruned'`, () => store.memos.purgeUnused({ beforeMs: 1, limit: 10 })],
    [`pod_status WHERE workflow = '${uid}'`, () => store.pods.purgeDeleted({ deletedBeforeMs: NOW, limit: 10 })],
    [`workflow_requests WHERE request_id = 'asked'`, () => store.requests.prune(NOW)],
    [`argo_workflows WHERE uid = '${uid}'`, () => store.records.pruneOffloaded(NOW, 10)],
    [
      `artifact_deletions WHERE workflow = 'went'`,
      () => store.artifactDeletions.purgeFinished({ finishedBeforeMs: 1, limit: 10 }),
    ],
    [`argo_archived_workflows WHERE uid = 'old'`, () => store.archive.deleteFinishedBefore(10_000, 10)],
  ];
  for (const [written, prune] of pruners) {
    const whileWritten = await store.database.withConnection(async (writer) => {
      await writer.run({ text: 'BEGIN' });
      await writer.run({ text: `SELECT 1 FROM ${written} FOR UPDATE` });
      const pruned = await prune();
      await writer.run({ text: 'ROLLBACK' });
      return pruned;
    });
    expect([written, whileWritten, await prune()]).toEqual([written, 0, 1]);
  }
});
