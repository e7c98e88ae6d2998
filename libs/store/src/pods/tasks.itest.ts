import { beforeAll, expect, it } from 'vitest';

import { testStore } from '#libs/testing';

const NOW = 1_700_000_000_000;
const { store } = await testStore({ nowMs: () => NOW });
const TASK = { kind: 'Pod', work: { task: { kind: 'http', http: { url: 'http://a' } } } };
const key = (nodeId: string) => ({ workflowUid: 'w', nodeId, incarnation: 0 });

beforeAll(async () => {
  await store.workflows.insert({
    submitted: { metadata: { uid: 'w', namespace: 'argo', name: 'w' }, spec: {} },
    createdAtMs: NOW,
  });
  const podInserts = ['running', 'ending', 'ended', 'claimed', 'elsewhere', 'pod'].map((nodeId) => ({
    nodeId,
    incarnation: 0,
    podName: nodeId,
    namespace: 'argo',
    bucket: 3,
    manifest: nodeId === 'pod' ? { kind: 'Pod', work: {} } : TASK,
  }));
  await store.workflowState.commit({ uid: 'w', expectedVersion: 0, podInserts, nowMs: NOW });
  await store.podStatus.claimMany(['running', 'ending', 'ended', 'claimed', 'pod'].map(key), 'here', NOW);
  await store.podStatus.claimMany([key('elsewhere')], 'there', NOW);
  const running = ['running', 'ending', 'pod'].map((nodeId) => ({ identity: key(nodeId), phase: 'Running' as const }));
  await store.podStatus.record([...running, { identity: key('ended'), phase: 'Succeeded' }], 'here', NOW);
  await store.podStatus.record([{ identity: key('elsewhere'), phase: 'Running' }], 'there', NOW);
  const podDesired = [{ nodeId: 'ending', incarnation: 0, desired: 'terminate' as const }];
  await store.workflowState.commit({ uid: 'w', expectedVersion: 1, podDesired, nowMs: NOW });
});
it('gives the tasks that a host has begun and not ended, with what is wanted of them', async () => {
  const open = await store.tasks.openOf('here');
  expect(open.map(({ key: { nodeId }, desired }) => `${nodeId} ${desired}`)).toEqual(['ending terminate', 'running run']);
  expect(open[1]?.manifest.work.task).toEqual(TASK.work.task);
});

it('gives back the tasks of a host, and neither its pods nor what is to end', async () => {
  expect(await store.tasks.release('here')).toBe(2);
  expect((await store.tasks.openOf('here')).map(({ key: { nodeId } }) => nodeId)).toEqual(['ending']);
  const work = await store.pods.readWork({ workflow: 'w', bucket: 3, host: 'other', nowMs: NOW });
  expect(work.map(({ key: { nodeId }, status }) => [nodeId, status])).toEqual([
    ['claimed', null],
    ['running', null],
  ]);
});
