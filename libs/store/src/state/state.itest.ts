import { describe, expect, it } from 'vitest';

import { type NodeRow, type WorkflowHeader } from '#libs/engine';
import { testStore } from '#libs/testing';

const clock = { nowMs: () => 1_700_000_000_000 };
const { store } = await testStore(clock);

let counter = 0;
async function submit(): Promise<string> {
  const uid = `uid-${++counter}`;
  await store.workflows.insert({
    submitted: {
      metadata: { uid, namespace: 'argo', name: `wf-${counter}`, labels: { team: 'a' } },
      spec: { entrypoint: 'main' },
    },
    createdAtMs: clock.nowMs() + counter,
  });
  return uid;
}

const header = (phase: WorkflowHeader['status']['phase'], message = ''): WorkflowHeader => ({
  engineLevel: 1,
  status: { ...(phase === undefined ? {} : { phase }), message, startedAt: '2023-11-14T22:13:20Z', progress: '0/1' },
  labels: { 'workflows.argoproj.io/phase': phase ?? '' },
  annotations: {},
  internal: {},
});
const node = (id: string, ordinal: number, phase: 'Running' | 'Succeeded' = 'Running'): NodeRow => ({
  id,
  parents: ordinal === 0 ? [] : ['a"b\\c'],
  ordinal,
  status: { id, name: id, type: 'Pod', phase, message: 'nul \u0000 and \ud800 survive' },
});
const nowMs = clock.nowMs();

describe('the state of a workflow', () => {
  it('is empty at version 0 after submit', async () => {
    const uid = await submit();
    const loaded = await store.workflowState.load(uid);
    expect(loaded).toMatchObject({ version: 0, treeEpoch: 0, nodes: [], completed: false, submitted: { metadata: { uid } } });
    expect(loaded?.header).toBeUndefined();
  });

  it('is read back as it was committed, odd characters included', async () => {
    const uid = await submit();
    const nodes = [node('n0', 0), node('n1', 1)];
    const outcome = await store.workflowState.commit({ uid, expectedVersion: 0, header: header('Running'), nodes, nowMs });
    expect(outcome).toMatchObject({ committed: true, version: 1, nodeRevision: 1 });
    const loaded = await store.workflowState.load(uid);
    expect(loaded?.nodes).toEqual(nodes);
    expect(loaded?.header).toEqual(header('Running'));
  });

  it('lets exactly one of many concurrent commits of the same version through', async () => {
    const uid = await submit();
    const commits = Array.from({ length: 12 }, (_, index) =>
      store.workflowState.commit({
        uid,
        expectedVersion: 0,
        header: header('Running', `m${index}`),
        nodes: [node(`n${index}`, index)],
        nowMs,
      }),
    );
    const outcomes = await Promise.all(commits);
    expect(outcomes.filter(({ committed }) => committed)).toHaveLength(1);
    const winner = outcomes.findIndex(({ committed }) => committed);
    const loaded = await store.workflowState.load(uid);
    expect(loaded?.nodes.map(({ id }) => id)).toEqual([`n${winner}`]);
    expect(loaded?.header?.status.message).toBe(`m${winner}`);
  });

  it('writes nothing at all where the fence stops it', async () => {
    const uid = await submit();
    await store.inbox.insertMany([{ workflow: uid, kind: 'poke' }], nowMs);
    const [entry] = await store.inbox.read(uid, 10);
    const outcome = await store.workflowState.commit({
      uid,
      expectedVersion: 7,
      header: header('Succeeded'),
      nodes: [node('n0', 0)],
      podInserts: [{ nodeId: 'n0', incarnation: 0, podName: 'p', namespace: 'argo', bucket: 1, manifest: {} }],
      consumedInboxIds: [entry?.id ?? ''],
      outcomes: [{ requestId: `r-${uid}`, ok: true }],
      nowMs,
    });
    expect(outcome).toEqual({ committed: false, fenced: true });
    expect(await store.workflowState.load(uid)).toMatchObject({ version: 0, nodes: [] });
    expect(await store.inbox.read(uid, 10)).toHaveLength(1);
    expect(await store.pods.listOfWorkflow(uid)).toEqual([]);
    expect(await store.requests.readOutcome(`r-${uid}`)).toBeUndefined();
    expect(await store.handoffs.latestVersion('record', uid)).toBeUndefined();
  });

  it('gives only what changed since a version, removals as tombstones', async () => {
    const uid = await submit();
    await store.workflowState.commit({
      uid,
      expectedVersion: 0,
      header: header('Running'),
      nodes: [node('a', 0), node('b', 1), node('c', 2)],
      nowMs,
    });
    await store.workflowState.commit({
      uid,
      expectedVersion: 1,
      nodes: [node('b', 1, 'Succeeded')],
      removedNodeIds: ['c'],
      newTreeEpoch: true,
      nowMs,
    });
    const since = await store.workflowState.loadSince(uid, 1, 1);
    expect(since).toMatchObject({ version: 2, nodeRevision: 2, treeEpoch: 1, removedNodeIds: ['c'] });
    expect(since?.changedNodes.map(({ id }) => id)).toEqual(['b']);
    const unchanged = await store.workflowState.loadSince(uid, 2, 2);
    expect(unchanged).toMatchObject({ changedNodes: [], removedNodeIds: [] });
    expect(unchanged && 'header' in unchanged).toBe(false);
    const back = await store.workflowState.commit({ uid, expectedVersion: 2, nodes: [node('c', 2)], nowMs });
    expect(back).toMatchObject({ committed: true });
    expect((await store.workflowState.load(uid))?.nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('reads trees larger than a page whole and in order', async () => {
    const uid = await submit();
    for (let version = 0; version < 6; version++) {
      const nodes = Array.from({ length: 500 }, (_, index) => node(`n${version * 500 + index}`, version * 500 + index));
      await store.workflowState.commit({ uid, expectedVersion: version, header: header('Running'), nodes, nowMs });
    }
    const loaded = await store.workflowState.load(uid);
    expect(loaded?.nodes.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: 3000 }, (_, index) => index));
    const since = await store.workflowState.loadSince(uid, 2, 2);
    expect(since?.changedNodes).toHaveLength(2000);
    expect(since?.header?.status.phase).toBe('Running');
  });

  it('reads the inbox and the version together, oldest entry first', async () => {
    const uid = await submit();
    await store.inbox.insertMany(
      [{ workflow: uid, kind: 'pod', report: { nodeId: 'n', incarnation: 0, phase: 'Running', message: '\u0000' } }],
      nowMs,
    );
    await store.requests.insert({ requestId: `q-${uid}`, workflow: uid, request: { type: 'suspend' } }, nowMs);
    await store.inbox.insertMany([{ workflow: uid, kind: 'poke' }], nowMs);
    const reading = await store.workflowState.loadInbox(uid, { limit: 2 });
    expect(reading).toMatchObject({ version: 0, more: true });
    expect(reading?.entries).toMatchObject([
      { kind: 'pod', report: { nodeId: 'n', message: '\u0000' } },
      { kind: 'request', requestId: `q-${uid}`, request: { type: 'suspend' } },
    ]);
    expect(await store.workflowState.loadInbox('nobody', { limit: 2 })).toBeUndefined();
  });

  it('answers a request once, however often it is asked', async () => {
    const uid = await submit();
    const request = { requestId: `once-${uid}`, workflow: uid, request: { type: 'terminate' } as const };
    expect(await store.requests.insert(request, nowMs)).toBe(true);
    expect(await store.requests.insert(request, nowMs)).toBe(false);
    const entries = await store.inbox.read(uid, 10);
    expect(entries).toHaveLength(1);
    const waiting = store.requests.waitForOutcome(request, 5000);
    await store.workflowState.commit({
      uid,
      expectedVersion: 0,
      consumedInboxIds: entries.map(({ id }) => id),
      outcomes: [{ requestId: request.requestId, ok: true }],
      nowMs,
    });
    expect(await waiting).toEqual({ requestId: request.requestId, ok: true });
    expect(await store.requests.insert(request, nowMs)).toBe(false);
    expect(await store.inbox.read(uid, 10)).toEqual([]);
    expect(await store.requests.waitForOutcome({ requestId: 'never', workflow: uid }, 20)).toBeUndefined();
  });

  it('hands a finished workflow to those who come after', async () => {
    const uid = await submit();
    await store.workflowState.commit({ uid, expectedVersion: 0, header: header('Succeeded'), nowMs });
    expect(await store.handoffs.latestVersion('archive', uid)).toBe(1);
    expect(await store.due.handoffs('archive', { overdueBeforeMs: nowMs, limit: 1000 })).toEqual([{ uid, version: 1 }]);
    await store.handoffs.complete('archive', uid, 1);
    expect(await store.handoffs.latestVersion('archive', uid)).toBeUndefined();
    expect(await store.workflowState.load(uid)).toMatchObject({ completed: true });
  });
});

describe('the list of workflows', () => {
  it('is filtered by labels, of the submitter and of the engine, and paged by key', async () => {
    const uids = [await submit(), await submit(), await submit()];
    await store.workflowState.commit({ uid: uids[1]!, expectedVersion: 0, header: header('Failed'), nowMs });
    const all = await store.workflows.listPage({ namespace: 'argo', limit: 2 });
    expect(all.rows.map(({ uid }) => uid)).toEqual([uids[2], uids[1]]);
    const rest = await store.workflows.listPage({ namespace: 'argo', limit: 2, ...(all.next ? { after: all.next } : {}) });
    expect(rest.rows[0]?.uid).toBe(uids[0]);
    const failed = await store.workflows.listPage({
      labels: [
        { key: 'workflows.argoproj.io/phase', operator: 'in', values: ['Failed'] },
        { key: 'team', operator: 'exists' },
        { key: 'nope', operator: 'notin', values: ['x'] },
        { key: 'other', operator: 'absent' },
      ],
    });
    expect(failed.rows).toMatchObject([{ uid: uids[1], archiving: 'Pending', phase: 'Failed', version: 1 }]);
    expect(await store.workflows.count({ phases: ['Failed'] })).toBe(1);
    expect(await store.workflows.count({ labels: [{ key: 'team', operator: 'gt', value: 1 }] })).toBe(0);
    expect((await store.workflows.listPage({ name: { match: 'exact', value: `wf-${counter}` } })).rows).toHaveLength(1);
    expect(await store.workflows.count({ name: { match: 'prefix', value: 'wf' } })).toBe(counter);
    expect(await store.workflows.count({ name: { match: 'contains', value: '%' } })).toBe(0);
  });

  it('has labels and annotations as people have changed them since', async () => {
    const uid = await submit();
    const edited = { labels: { team: null, colour: 'blue' }, annotations: { note: 'n', gone: null } };
    await store.workflowState.commit({ uid, expectedVersion: 0, header: { ...header('Running'), edited }, nowMs });
    const page = await store.workflows.listPage({ labels: [{ key: 'colour', operator: 'in', values: ['blue'] }] });
    const labels = { colour: 'blue', 'workflows.argoproj.io/phase': 'Running' };
    expect(page.rows).toMatchObject([{ uid, labels, annotations: { note: 'n' } }]);
    expect(page.rows[0]?.labels).not.toHaveProperty('team');
    const name = { match: 'exact', value: `wf-${counter}` } as const;
    expect(await store.workflows.count({ name, labels: [{ key: 'team', operator: 'exists' }] })).toBe(0);
    expect(await store.workflows.count({ name, labels: [{ key: 'team', operator: 'absent' }] })).toBe(1);
  });

  it('refuses a second workflow of the same name and accepts the same one again', async () => {
    const uid = await submit();
    const again = (id: string) => ({
      submitted: { metadata: { uid: id, namespace: 'argo', name: `wf-${counter}` }, spec: {} },
      createdAtMs: nowMs,
    });
    expect(await store.workflows.insert(again(uid))).toBe('exists');
    await expect(store.workflows.insert(again('other'))).rejects.toThrow(`workflows.argoproj.io "wf-${counter}" already exists`);
    expect(await store.workflows.insertMany([again('other'), again(uid)])).toEqual(['name-taken', 'exists']);
    expect(await store.workflows.getByUid('other')).toBeUndefined();
  });
});
