import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresTemplate, type TestDatabase } from '#libs/testing';

import { createStore, type Store } from '../store.js';
import { type StatusObservation } from './pod-status.repository.js';

let database: TestDatabase;
let store: Store;
let other: Store;
const NOW = 1_700_000_000_000;
const clock = { nowMs: () => NOW };

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock });
  other = createStore({ connection: database.connection, clock });
});
afterAll(async () => {
  await Promise.all([store.close(), other.close()]);
  await database.drop();
});

let counter = 0;
let uid = '';
const podOf = (nodeId: string, incarnation = 0) => ({ workflowUid: uid, nodeId, incarnation });
const seen = (nodeId: string, phase: StatusObservation['phase'], rest: Partial<StatusObservation> = {}): StatusObservation => ({
  identity: podOf(nodeId),
  phase,
  ...rest,
});

beforeEach(async () => {
  uid = `pods-${++counter}`;
  await store.workflows.insert({ submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: {} }, createdAtMs: NOW });
  const podInserts = ['a', 'b', 'c'].map((nodeId) => ({
    nodeId,
    incarnation: 0,
    podName: `pod-${nodeId}`,
    namespace: 'argo',
    bucket: 3,
    manifest: { kind: 'Pod' },
  }));
  await store.workflowState.commit({ uid, expectedVersion: 0, podInserts, nowMs: NOW });
});

const inboxPhases = async () =>
  (await store.inbox.read(uid, 100)).map((entry) =>
    entry.kind === 'pod' ? `${entry.report.nodeId} ${entry.report.phase}` : entry.kind,
  );

it('counts pods by phases that Kubernetes has: what a host has taken and not begun is Pending', async () => {
  const before = (await store.workflows.countByPhase()).pods;
  await store.podStatus.claimMany([podOf('a'), podOf('b')], `counted-${uid}`, NOW);
  await store.podStatus.record([seen('b', 'Running')], `counted-${uid}`, NOW);
  const { pods } = await store.workflows.countByPhase();
  expect(Object.keys(pods).sort()).toEqual(['Pending', 'Running']);
  expect([pods['Pending'], pods['Running']]).toEqual([(before['Pending'] ?? 0) + 1, (before['Running'] ?? 0) + 1]);
  await store.podStatus.record([seen('a', 'Succeeded'), seen('b', 'Succeeded')], `counted-${uid}`, NOW);
});

it('lists what a host holds, until it is deleted there: active pods, and those that nobody wants', async () => {
  const host = `holder-${uid}`;
  await store.podStatus.claimMany([podOf('a'), podOf('b'), podOf('c')], host, NOW);
  await store.podStatus.record([seen('b', 'Succeeded'), seen('c', 'Succeeded')], host, NOW);
  await store.workflowState.commit({
    uid,
    expectedVersion: 1,
    podDesired: [{ nodeId: 'c', incarnation: 0, desired: 'delete' }],
    nowMs: NOW,
  });
  const held = async () =>
    (await store.podStatus.heldPage({ host, limit: 10 })).map(({ key, rank, wanted }) => `${key.nodeId} ${rank} ${wanted}`);
  expect(await held()).toEqual(['a 0 true', 'c 3 false']);
  await store.podHosts.upsert({ host, url: '', runtime: 'sandbox', seenAtMs: NOW });
  await store.podStatus.markDeletedMany([podOf('a'), podOf('c')], NOW);
  expect(await held()).toEqual([]);
  await store.podHosts.removeIdle(host);
  expect(await store.podHosts.get(host)).toMatchObject({ host });
  await store.podStatus.markDeletedMany([podOf('b')], NOW);
  await store.podHosts.removeIdle(host);
  expect(await store.podHosts.get(host)).toBeUndefined();
});

describe('claims', () => {
  it('are given to exactly one of many hosts', async () => {
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 ? store : other).podStatus.claimMany([podOf('a'), podOf('b'), podOf('c')], `host-${index}`, NOW),
      ),
    );
    const won = claims.flat().map(({ identity }) => identity.nodeId);
    expect(won.sort()).toEqual(['a', 'b', 'c']);
  });

  it('are refused for pods that are to be deleted, and can be given back', async () => {
    await store.workflowState.commit({
      uid,
      expectedVersion: 1,
      podDesired: [{ nodeId: 'a', incarnation: 0, desired: 'delete' }],
      nowMs: NOW,
    });
    expect(await store.podStatus.claim(podOf('a'), 'h', NOW)).toBe(false);
    expect(await store.podStatus.claim(podOf('b'), 'h', NOW)).toBe(true);
    await store.podStatus.releaseClaim({ identity: podOf('b'), claimedAtMs: NOW });
    expect(await store.podStatus.claim(podOf('b'), 'other', NOW)).toBe(true);
    expect(await store.podStatus.claim(podOf('x'), 'h', NOW)).toBe(false);
  });

  it('can be taken over by their host once each, and then no longer be given back by who had them', async () => {
    const [claim] = await store.podStatus.claimMany([podOf('b')], 'h', NOW);
    if (!claim) throw new Error('no claim');
    expect(await store.podStatus.takeOverClaims([claim], 'other', NOW + 1)).toEqual([]);
    const taken = await Promise.all(
      Array.from({ length: 5 }, (_, index) => (index % 2 ? store : other).podStatus.takeOverClaims([claim], 'h', NOW)),
    );
    expect(taken.flat()).toEqual([{ identity: podOf('b'), claimedAtMs: NOW + 1 }]);
    await store.podStatus.releaseClaim(claim);
    expect(await store.podStatus.claim(podOf('b'), 'other', NOW)).toBe(false);
  });
});

describe('reports', () => {
  it('are told to the workflow exactly once, however often and from however many connections they come', async () => {
    const reports = [seen('a', 'Running'), seen('b', 'Succeeded', { exitCode: 0, message: '\u0000' })];
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, index) => (index % 2 ? store : other).podStatus.record(reports, 'h', NOW)),
    );
    expect((await inboxPhases()).sort()).toEqual(['a Running', 'b Succeeded']);
    expect(results.filter(({ workflows }) => workflows.includes(uid)).length).toBeGreaterThan(0);
  });

  it('never go back, and the first end stands', async () => {
    await store.podStatus.record([seen('a', 'Running')], 'h', NOW);
    await store.podStatus.record([seen('a', 'Pending')], 'h', NOW);
    await store.podStatus.record([seen('a', 'Failed', { message: 'x' }), seen('a', 'Running'), seen('a', 'Succeeded')], 'h', NOW);
    await store.podStatus.record([seen('a', 'Succeeded')], 'h', NOW);
    await store.podStatus.record([seen('a', 'Gone')], 'h', NOW);
    expect(await inboxPhases()).toEqual(['a Running', 'a Failed']);
  });

  it('count again in the same phase only while the pod runs and only where they say something new', async () => {
    await store.podStatus.record([seen('a', 'Running')], 'h', NOW);
    await store.podStatus.record([seen('a', 'Running', { ready: true })], 'h', NOW);
    await store.podStatus.record([seen('a', 'Running', { ready: true })], 'h', NOW);
    expect(await inboxPhases()).toEqual(['a Running', 'a Running']);
  });

  it('say why a pod waits, as long as it is wanted, and leave it to be made', async () => {
    expect(await store.podStatus.tellWaiting(podOf('a'), 'exceeded quota', NOW)).toBe(true);
    expect(await inboxPhases()).toEqual(['a Pending']);
    expect(await store.podStatus.claim(podOf('a'), 'h', NOW)).toBe(true);
    const podDesired = [{ nodeId: 'b', incarnation: 0, desired: 'delete' as const }];
    await store.workflowState.commit({ uid, expectedVersion: 1, podDesired, nowMs: NOW });
    expect(await store.podStatus.tellWaiting(podOf('b'), 'exceeded quota', NOW)).toBe(false);
    expect(await store.podStatus.tellWaiting(podOf('z'), 'exceeded quota', NOW)).toBe(false);
  });

  it('about pods that nobody wants are given back as unknown', async () => {
    const stranger = { workflowUid: 'nobody', nodeId: 'z', incarnation: 1 };
    expect(await store.podStatus.record([{ identity: stranger, phase: 'Running' }], 'h', NOW)).toEqual({
      workflows: [],
      unknown: [stranger],
    });
  });
});

describe('work', () => {
  it('is what is not as desired, and only what is unclaimed or one’s own', async () => {
    await store.podStatus.claim(podOf('a'), 'h1', NOW);
    await store.podStatus.claim(podOf('b'), 'h2', NOW);
    const nodes = async (host: string) =>
      (await store.pods.readWork({ workflow: uid, bucket: 3, host, nowMs: Date.now() })).map(({ key }) => key.nodeId);
    expect(await nodes('h1')).toEqual(['a', 'c']);
    await store.podStatus.record([seen('a', 'Running')], 'h1', NOW);
    expect(await nodes('h1')).toEqual(['c']);
    await store.workflowState.commit({
      uid,
      expectedVersion: 1,
      podDesired: [
        { nodeId: 'a', incarnation: 0, desired: 'terminate' },
        { nodeId: 'b', incarnation: 0, desired: 'delete' },
      ],
      nowMs: NOW,
    });
    expect(await nodes('h1')).toEqual(['a', 'c']);
    expect(await nodes('h2')).toEqual(['b', 'c']);
    await store.podStatus.record([seen('a', 'Failed')], 'h1', NOW);
    await store.podStatus.markDeleted(podOf('b'), NOW);
    expect(await nodes('h1')).toEqual(['c']);
    expect(await nodes('h2')).toEqual(['c']);
    const due = await store.pods.duePage({ overdueBeforeMs: NOW, host: 'h2', limit: 1000 });
    expect(due).toContainEqual({ workflow: uid, bucket: 3 });
    expect(await store.pods.duePage({ overdueBeforeMs: NOW - 1, host: 'h2', limit: 1000 })).toEqual([]);
    await store.pods.purgeDeleted({ deletedBeforeMs: NOW, limit: 100 });
    expect((await store.pods.listOfWorkflow(uid)).map(({ key }) => key.nodeId)).toEqual(['a', 'c']);
  });

  it('of a host that went silent is found for inspection until it is touched', async () => {
    await store.podStatus.claimMany([podOf('c')], `silent-${uid}`, NOW - 60_000);
    await store.podStatus.record([seen('a', 'Running'), seen('b', 'Succeeded')], `silent-${uid}`, NOW - 60_000);
    const query = { host: `silent-${uid}`, notSeenSinceMs: NOW - 30_000, limit: 10 };
    expect(await store.podStatus.silentPage(query)).toEqual([podOf('a')]);
    await store.podStatus.touch([podOf('a')], NOW);
    expect(await store.podStatus.silentPage(query)).toEqual([]);
  });

  it('takes in one commit a pod that is ordered and called off', async () => {
    await store.workflowState.commit({
      uid,
      expectedVersion: 1,
      podInserts: [{ nodeId: 'd', incarnation: 0, podName: 'pod-d', namespace: 'argo', bucket: 4, manifest: {} }],
      podDesired: [{ nodeId: 'd', incarnation: 0, desired: 'delete' }],
      nowMs: NOW,
    });
    expect(await store.pods.readWork({ workflow: uid, bucket: 4, host: 'h', nowMs: Date.now() })).toEqual([]);
  });
});
