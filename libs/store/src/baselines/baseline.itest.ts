import { describe, expect, it } from 'vitest';

import { testStore } from '#libs/testing';
import { formatTime, LabelName } from '#libs/workflow-spec';

const startMs = 1_700_000_000_000;
const label = LabelName.workflowTemplate;
const { store } = await testStore({ nowMs: () => startMs });

/** A run that took so long, begun so long after the first. */
const ran = async (name: string, template: string, run: { afterMs: number; seconds: number; phase: 'Succeeded' | 'Failed' }) => {
  const startedAt = formatTime(startMs);
  const finishedAt = formatTime(startMs + run.seconds * 1000);
  await store.workflows.insert({
    submitted: { metadata: { uid: name, namespace: 'lab', name, labels: { [label]: template } }, spec: {} },
    createdAtMs: startMs + run.afterMs,
  });
  await store.workflowState.commit({
    uid: name,
    expectedVersion: 0,
    header: {
      engineLevel: 1,
      status: { phase: run.phase, startedAt, finishedAt },
      labels: {},
      annotations: {},
      internal: {},
    },
    nodes: [
      { id: name, parents: [], ordinal: 0, status: { id: name, name, type: 'Steps', startedAt, finishedAt } },
      {
        id: `${name}-1`,
        parents: [],
        ordinal: 1,
        status: { id: `${name}-1`, name: `${name}[0].a`, type: 'Pod', startedAt, finishedAt: null },
      },
    ],
    nowMs: startMs,
  });
};

describe('the run that estimates are made from', () => {
  it('is the newest that succeeded, with the times of its nodes', async () => {
    await ran('old', 't', { afterMs: 0, seconds: 10, phase: 'Succeeded' });
    await ran('newer', 't', { afterMs: 1, seconds: 20, phase: 'Succeeded' });
    await ran('broken', 't', { afterMs: 2, seconds: 1, phase: 'Failed' });
    await ran('other', 'u', { afterMs: 3, seconds: 1, phase: 'Succeeded' });
    expect(await store.baselines.newest('lab', label, 't')).toEqual({ seconds: 20, nodeSeconds: { '': 20 } });
    expect(await store.baselines.newest('elsewhere', label, 't')).toBeUndefined();
    expect(await store.baselines.newest('lab', 'team', 'red')).toBeUndefined();
  });
});
