import { beforeAll, expect, it } from 'vitest';

import { testStore } from '#libs/testing';

const NOW = 1_700_000_000_000;
const { store } = await testStore({ nowMs: () => NOW });
const LOGS = [{ container: 'main', location: { s3: { key: 'w/p/main.log' } } }];
const key = (nodeId: string) => ({ workflowUid: 'w', nodeId, incarnation: 0 });
const due = async (nowMs: number, leftSinceMs = 0): Promise<string[]> =>
  (await store.logShipments.due({ nowMs, leftSinceMs, limit: 10 })).map((row) => row.key.nodeId).sort();

beforeAll(async () => {
  const nodes = ['running', 'over'];
  await store.workflows.insert({
    submitted: { metadata: { uid: 'w', namespace: 'argo', name: 'w' }, spec: {} },
    createdAtMs: NOW,
  });
  const podInserts = nodes.map((nodeId) => ({
    nodeId,
    incarnation: 0,
    podName: nodeId,
    namespace: 'argo',
    bucket: 0,
    manifest: { kind: 'Pod' },
  }));
  await store.workflowState.commit({ uid: 'w', expectedVersion: 0, podInserts, nowMs: NOW });
  await store.podStatus.claimMany(nodes.map(key), 'here', NOW);
  await store.podStatus.record(
    [
      { identity: key('running'), phase: 'Running' },
      { identity: key('over'), phase: 'Gone' },
    ],
    'here',
    NOW,
  );
  for (const nodeId of [...nodes, 'unknown'])
    await store.logShipments.begin({ key: key(nodeId), host: 'here', namespace: 'argo', logs: LOGS }, NOW);
});
it('gives what is under way, by workflow and by pod, and begins it once', async () => {
  await store.logShipments.begin({ key: key('running'), host: 'other', namespace: 'other', logs: [] }, NOW + 1);
  const row = { key: key('running'), host: 'here', namespace: 'argo', logs: LOGS, attempts: 0 };
  expect(await store.logShipments.ofPods([key('running'), key('nobody')])).toEqual([row]);
  expect((await store.logShipments.ofWorkflow('w')).map((each) => each.key.nodeId)).toEqual(['over', 'running', 'unknown']);
});

it('finds those whose pod has ended or is unknown, after a time in which their host may settle them', async () => {
  expect(await due(NOW, NOW - 1)).toEqual([]);
  expect(await due(NOW, NOW)).toEqual(['over', 'unknown']);
});

it('gives an ended one when its time has come, later after each failure, until it is finished', async () => {
  await store.logShipments.end(key('running'), NOW + 5);
  expect([await due(NOW + 4), await due(NOW + 5)]).toEqual([[], ['running']]);
  await store.logShipments.recordFailure(key('running'), { error: 'away\u0000', nextTryAtMs: NOW + 50 });
  expect([await due(NOW + 49), await due(NOW + 50)]).toEqual([[], ['running']]);
  expect((await store.logShipments.ofPods([key('running')]))[0]?.attempts).toBe(1);
  await store.logShipments.finish(key('running'));
  expect(await due(NOW + 100)).toEqual([]);
});
