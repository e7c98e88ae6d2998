import { beforeAll, describe, expect, it } from 'vitest';

import { type MemoEntry } from '#libs/engine';
import { testStore } from '#libs/testing';

const { store } = await testStore({ nowMs: () => nowMs });
const nowMs = 1_700_000_000_000;

beforeAll(async () => {
  await store.workflows.insert({
    submitted: { metadata: { uid: 'w', namespace: 'lab', name: 'w' }, spec: {} },
    createdAtMs: nowMs,
  });
});
const place = { namespace: 'lab', cache: 'c', key: 'k' };
const entry = (nodeID: string): MemoEntry => ({
  nodeID,
  outputs: { result: `nul \u0000 ${'x'.repeat(2_000_000)}` },
  creationTimestamp: '2023-11-14T22:13:20Z',
  lastHitTimestamp: '2023-11-14T22:13:20Z',
});

describe('remembered outputs', () => {
  it('are kept with the commit that they come from, of any size, and replaced by later ones', async () => {
    expect(await store.memos.get(place)).toBeUndefined();
    const first = { ...place, entry: entry('one'), lastHitAtMs: nowMs };
    await store.workflowState.commit({ uid: 'w', expectedVersion: 0, memos: [first], nowMs });
    expect(await store.memos.get(place)).toEqual(entry('one'));
    const second = { ...first, entry: entry('two') };
    await store.workflowState.commit({ uid: 'w', expectedVersion: 1, memos: [second], nowMs });
    expect((await store.memos.get(place))?.nodeID).toBe('two');
  });

  it('are not kept where the commit comes too late', async () => {
    const late = { ...place, key: 'late', entry: entry('late'), lastHitAtMs: nowMs };
    const outcome = await store.workflowState.commit({ uid: 'w', expectedVersion: 0, memos: [late], nowMs });
    expect(outcome.committed).toBe(false);
    expect(await store.memos.get({ ...place, key: 'late' })).toBeUndefined();
  });

  it('are forgotten when nobody has asked for them', async () => {
    expect(await store.memos.purgeUnused({ beforeMs: nowMs, limit: 10 })).toBe(0);
    expect(await store.memos.purgeUnused({ beforeMs: nowMs + 1, limit: 10 })).toBe(1);
    expect(await store.memos.get(place)).toBeUndefined();
  });
});
