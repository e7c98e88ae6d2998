import { describe, expect, it } from 'vitest';

import type { WorkflowHeader } from '#libs/engine';
import { parseLabelSelector } from '#libs/store';
import { testStore } from '#libs/testing';
import { LabelName } from '#libs/workflow-spec';
import type { ArchivePolicy } from '../archive-policy.js';
import { ArchivingService } from './archiving.service.js';

const nowMs = 1_700_000_000_000;
const clock = { nowMs: () => nowMs };
const { store } = await testStore(clock);

const archiving = (settings: Partial<ArchivePolicy> = {}) =>
  new ArchivingService(
    { states: store.workflowState, archive: store.archive, handoffs: store.handoffs, clock },
    { known: () => Promise.resolve(), policy: () => ({ enabled: true, labels: [], ...settings }) },
  );
const header = (phase: 'Running' | 'Succeeded' | 'Failed'): WorkflowHeader => ({
  engineLevel: 1,
  status: { phase, startedAt: '2023-11-14T22:13:20Z', finishedAt: '2023-11-14T22:13:21Z' },
  labels: { [LabelName.phase]: phase },
  annotations: {},
  internal: {},
});

let counter = 0;
async function ended(phase: 'Succeeded' | 'Failed' = 'Succeeded'): Promise<string> {
  const uid = `archived-${++counter}`;
  await store.workflows.insert({
    submitted: { metadata: { uid, namespace: 'argo', name: uid, labels: { team: 'a' } }, spec: {} },
    createdAtMs: nowMs,
  });
  const nodes = [{ id: uid, parents: [], ordinal: 0, status: { id: uid, name: uid, type: 'Pod', phase } as const }];
  await store.workflowState.commit({ uid, expectedVersion: 0, header: header(phase), nodes, nowMs });
  return uid;
}
const archivingOf = async (uid: string) => (await store.workflowState.load(uid))?.archiving;

describe('a finished workflow', () => {
  it('is in the archive exactly once, with its nodes and labelled Persisted, however many archive it', async () => {
    const uid = await ended();
    expect(await archivingOf(uid)).toBe('Pending');
    await Promise.all(Array.from({ length: 6 }, () => archiving().archive(uid)));
    await archiving().archive(uid);
    const rows = await store.database.run({
      text: 'SELECT phase, name FROM argo_archived_workflows WHERE uid = $1',
      values: [uid],
    });
    expect(rows).toEqual([{ phase: 'Succeeded', name: uid }]);
    const archived = await store.archive.getByUid(uid);
    expect(archived?.metadata.labels).toMatchObject({ team: 'a', [LabelName.archivingStatus]: 'Persisted' });
    expect(archived?.status?.nodes).toHaveProperty([uid, 'phase'], 'Succeeded');
    expect(await archivingOf(uid)).toBe('Archived');
  });

  it('that was opened again by a retry is left alone until its next end, which replaces the first', async () => {
    const uid = await ended('Failed');
    await archiving().archive(uid);
    await store.workflowState.commit({ uid, expectedVersion: 1, header: header('Running'), nowMs });
    await store.workflowState.commit({ uid, expectedVersion: 2, header: header('Succeeded'), nowMs });
    await store.workflowState.commit({ uid, expectedVersion: 3, header: header('Running'), nowMs });
    await archiving().archive(uid);
    expect((await store.archive.getByUid(uid))?.status?.phase).toBe('Failed');
    expect(await store.handoffs.latestVersion('archive', uid)).toBeUndefined();
    await store.workflowState.commit({ uid, expectedVersion: 4, header: header('Succeeded'), nowMs });
    await archiving().archive(uid);
    expect((await store.archive.getByUid(uid))?.status?.phase).toBe('Succeeded');
  });

  it.each([
    ['is switched off', { enabled: false }],
    ['does not select it', { labels: parseLabelSelector('team=b') }],
  ])('waits for nothing where the archive %s', async (_, settings) => {
    const uid = await ended();
    await archiving(settings).archive(uid);
    expect(await store.archive.getByUid(uid)).toBeUndefined();
    expect(await archivingOf(uid)).toBeNull();
    expect(await store.due.handoffs('archive', { overdueBeforeMs: nowMs, limit: 100 })).toEqual([]);
  });
});
