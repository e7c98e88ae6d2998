import { describe, expect, it } from 'vitest';

import { testStore } from '#libs/testing';

import { fsck } from '../fsck/fsck.js';

let nowMs = 1_700_000_000_000;
const clock = { nowMs: () => nowMs };
const { store } = await testStore(clock);

let counter = 0;
async function finished(options: { expiresAtMs?: number } = {}): Promise<string> {
  const uid = `wf-${++counter}`;
  await store.workflows.insert({ submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: {} }, createdAtMs: nowMs });
  await store.workflowState.commit({
    uid,
    expectedVersion: 0,
    header: { engineLevel: 1, status: { phase: 'Succeeded' }, labels: {}, annotations: {}, internal: {} },
    nodes: Array.from({ length: 5000 }, (_, ordinal) => ({
      id: `n${ordinal}`,
      parents: [],
      ordinal,
      status: { id: `n${ordinal}`, name: `n${ordinal}`, type: 'Pod' },
    })),
    podInserts: [{ nodeId: 'n0', incarnation: 0, podName: 'p', namespace: 'argo', bucket: 0, manifest: {} }],
    ...options,
    nowMs,
  });
  return uid;
}

describe('retention', () => {
  it('finds finished workflows whose time has passed, once they are archived', async () => {
    const uid = await finished({ expiresAtMs: nowMs + 10 });
    expect(await store.retention.dueTtl({ nowMs, limit: 10 })).toEqual([]);
    expect(await store.retention.dueTtl({ nowMs: nowMs + 10, limit: 10 })).toEqual([]);
    await store.handoffs.complete('archive', uid, 1);
    expect(await store.retention.dueTtl({ nowMs: nowMs + 10, limit: 10 })).toEqual([uid]);
    await store.retention.markDeleted(uid, nowMs);
    expect(await store.retention.dueTtl({ nowMs: nowMs + 10, limit: 10 })).toEqual([]);
  });

  it('finds ended workflows of a phase beyond those that ended last, once they are archived', async () => {
    const instanceId = 'retained';
    let createdAtMs = nowMs;
    const ended = async (name: string, phase: 'Succeeded' | 'Failed', finishedAt: string): Promise<void> => {
      const metadata = { uid: name, namespace: 'argo', name };
      await store.workflows.insert({ submitted: { metadata, spec: {} }, createdAtMs: (createdAtMs += 1), instanceId });
      const header = { engineLevel: 1, status: { phase, finishedAt }, labels: {}, annotations: {}, internal: {} };
      await store.workflowState.commit({ uid: name, expectedVersion: 0, header, nowMs });
      if (name !== 'unarchived') await store.handoffs.complete('archive', name, 1);
    };
    await ended('old', 'Failed', '2024-01-01T00:00:00Z');
    await ended('unarchived', 'Failed', '2024-01-02T00:00:00Z');
    // Ends are told in seconds: of two in the same one, the workflow made later counts as the last.
    await ended('middle', 'Failed', '2024-01-04T00:00:00Z');
    await ended('new', 'Failed', '2024-01-04T00:00:00Z');
    await ended('fine', 'Succeeded', '2023-01-01T00:00:00Z');
    const beyond = async (keep: number): Promise<string[]> =>
      (await store.retention.beyondRetention({ phase: 'Failed', keep, instanceId, limit: 10 })).sort();
    expect(await beyond(1)).toEqual(['middle', 'old']);
    expect(await beyond(0)).toEqual(['middle', 'new', 'old']);
    await store.retention.markDeleted('old', nowMs);
    expect(await beyond(1)).toEqual(['middle']);
  });

  it('deletes a workflow step by step, waits for pods, archive and artifact GC, and leaves nothing', async () => {
    const uid = await finished();
    await store.podStatus.record(
      [{ identity: { workflowUid: uid, nodeId: 'n0', incarnation: 0 }, phase: 'Running' }],
      'h',
      nowMs,
    );
    const deletions: string[] = [];
    const unsubscribe = store.changes.subscribe((change) => {
      if (change.type === 'deleted') deletions.push(change.uid);
    });
    expect(await store.retention.markDeleted(uid, nowMs)).toBe(true);
    expect(await store.retention.markDeleted(uid, nowMs)).toBe(false);
    expect(await store.retention.deletionPage({ limit: 10 })).toContain(uid);
    const step = () => store.retention.step(uid, { nowMs });
    expect(await step()).toBe('waiting-pods');
    expect(await store.pods.readWork({ workflow: uid, bucket: 0, host: 'h', nowMs: Date.now() })).toMatchObject([
      { desired: 'delete' },
    ]);
    await store.podStatus.markDeleted({ workflowUid: uid, nodeId: 'n0', incarnation: 0 }, nowMs);
    expect(await step()).toBe('waiting-archive');
    await store.archive.skip(uid, 1, nowMs);
    expect(await step()).toBe('waiting-gc');
    await store.artifactDeletions.markPlanned(uid, 'OnWorkflowDeletion', nowMs);
    expect(await step()).toBe('more');
    expect(await step()).toBe('more');
    expect(await step()).toBe('gone');
    expect(await step()).toBe('gone');
    unsubscribe();
    expect(deletions).toEqual([uid]);
    expect(await store.workflowState.load(uid)).toBeUndefined();
    expect((await fsck(store, { graceMs: -1 })).findings.filter(({ workflow }) => workflow === uid)).toEqual([]);
  });

  it('waits for nobody longer than it is told to', async () => {
    const uid = await finished();
    await store.retention.markDeleted(uid, nowMs);
    nowMs += 1000;
    const step = () => store.retention.step(uid, { nowMs, longestWaitMs: 500 });
    expect(await step()).toBe('more');
    expect(await step()).toBe('more');
    expect(await step()).toBe('gone');
  });
});
