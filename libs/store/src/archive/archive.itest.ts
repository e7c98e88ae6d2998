import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { postgresTemplate, type TestDatabase } from '#libs/testing';
import { type Workflow } from '#libs/workflow-spec';

import { createStore, type Store } from '../store.js';

let database: TestDatabase;
let store: Store;
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock: { nowMs: () => NOW } });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const workflow = (
  uid: string,
  changes: {
    name?: string;
    phase?: 'Succeeded' | 'Failed';
    startedAt?: string;
    labels?: Record<string, string>;
    message?: string;
  } = {},
): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: {
    uid,
    name: changes.name ?? uid,
    namespace: 'argo',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: changes.labels ?? { team: 'a' },
  },
  spec: { entrypoint: 'main', arguments: { parameters: [{ name: 'p', value: 'v' }] } },
  status: {
    phase: changes.phase ?? 'Succeeded',
    message: changes.message ?? '',
    startedAt: changes.startedAt ?? '2026-01-01T00:00:01Z',
    finishedAt: '2026-01-01T00:00:02Z',
    nodes: { n: { id: 'n', name: 'n', type: 'Pod', phase: 'Succeeded' } },
  },
});
const rowsOf = (uid: string) =>
  store.database.run({ text: 'SELECT 1 FROM argo_archived_workflows WHERE uid = $1', values: [uid] });

describe('the archive', () => {
  it('holds exactly one row per workflow, of its latest end, however often and in whatever order it is written', async () => {
    const ends = [1, 2, 3].flatMap((version) => Array.from({ length: 4 }, () => version));
    const outcomes = await Promise.all(
      ends.map((version) =>
        store.archive.upsert({
          workflow: workflow('u1', { message: `end ${version}`, labels: { [`v${version}`]: 'x' } }),
          version,
          nowMs: NOW,
          createdAtMs: NOW,
        }),
      ),
    );
    expect(outcomes).toContain('written');
    expect(await rowsOf('u1')).toHaveLength(1);
    expect((await store.archive.getByUid('u1'))?.status?.message).toBe('end 3');
    expect(await store.archive.labelKeys('argo')).toEqual(['v3']);
    expect(await store.archive.upsert({ workflow: workflow('u1'), version: 3, nowMs: NOW, createdAtMs: NOW })).toBe('unchanged');
  });

  it('gives back U+0000 as it was, and half characters as replacements', async () => {
    const message = 'nul \u0000, text \\u0000, half \ud800, whole \u{1f600}';
    await store.archive.upsert({ workflow: workflow('u2', { message }), version: 1, nowMs: NOW, createdAtMs: NOW });
    expect((await store.archive.getByUid('u2'))?.status?.message).toBe('nul \u0000, text \\u0000, half \ufffd, whole \u{1f600}');
  });

  it('lists by labels, names, phases and times, latest start first, in pages', async () => {
    for (const [index, phase] of (['Succeeded', 'Failed', 'Succeeded'] as const).entries()) {
      const labels = { batch: 'list', index: String(index) };
      await store.archive.upsert({
        workflow: workflow(`l${index}`, { phase, labels, startedAt: `2026-01-01T01:00:0${index}Z` }),
        version: 1,
        nowMs: NOW,
        createdAtMs: NOW,
      });
    }
    const batch = { key: 'batch', operator: 'in', values: ['list'] } as const;
    const labelled = { labels: [{ ...batch, values: ['list'] }] };
    const names = async (query: Parameters<Store['archive']['list']>[0]) =>
      (await store.archive.list(query)).workflows.map(({ metadata }) => metadata.name);
    expect(await names(labelled)).toEqual(['l2', 'l1', 'l0']);
    const first = await store.archive.list({ ...labelled, limit: 2 });
    expect(await names({ ...labelled, limit: 2, ...(first.next ? { after: first.next } : {}) })).toEqual(['l0']);
    expect(await names({ ...labelled, offset: 2 })).toEqual(['l0']);
    expect(await names({ ...labelled, phases: ['Failed'] })).toEqual(['l1']);
    expect(await names({ labels: [...labelled.labels, { key: 'index', operator: 'gt', value: 0 }] })).toEqual(['l2', 'l1']);
    expect(
      await names({ ...labelled, startedAfterMs: Date.UTC(2026, 0, 1, 1, 0, 0), startedBeforeMs: Date.UTC(2026, 0, 1, 1, 0, 2) }),
    ).toEqual(['l1']);
    expect(await names({ name: { match: 'prefix', value: 'l' } })).toEqual(['l2', 'l1', 'l0']);
    expect(await store.archive.count({ ...labelled, namespace: 'argo' })).toBe(3);
    expect(await store.archive.count({ ...labelled, namespace: 'elsewhere' })).toBe(0);
    expect(await store.archive.labelValues('index')).toEqual(['0', '1', '2']);
    const [partial] = (await store.archive.list({ ...labelled, limit: 1 })).workflows;
    expect(partial?.status).not.toHaveProperty('nodes');
    expect(partial).toMatchObject({
      spec: { arguments: { parameters: [{ name: 'p' }] } },
      status: { phase: 'Succeeded', finishedAt: '2026-01-01T00:00:02Z' },
    });
  });

  it('leaves out live workflows where asked to', async () => {
    await store.workflows.insert({
      submitted: { metadata: { uid: 'live', namespace: 'argo', name: 'live' }, spec: {} },
      createdAtMs: NOW,
    });
    await store.archive.upsert({ workflow: workflow('live'), version: 1, nowMs: NOW, createdAtMs: NOW });
    const query = { name: { match: 'exact', value: 'live' } } as const;
    expect(await store.archive.count(query)).toBe(1);
    expect(await store.archive.count({ ...query, notLive: true })).toBe(0);
    await store.retention.markDeleted('live', NOW);
    expect(await store.archive.count({ ...query, notLive: true })).toBe(1);
  });

  it('finds the latest of a name, deletes by uid and by age', async () => {
    await store.archive.upsert({
      workflow: workflow('n1', { name: 'same', startedAt: '2026-01-01T05:00:00Z' }),
      version: 1,
      nowMs: NOW,
      createdAtMs: NOW,
    });
    await store.archive.upsert({
      workflow: workflow('n2', { name: 'same', startedAt: '2026-01-01T04:00:00Z' }),
      version: 1,
      nowMs: NOW,
      createdAtMs: NOW,
    });
    expect((await store.archive.getByName('argo', 'same'))?.metadata.uid).toBe('n1');
    expect(await store.archive.delete('n1')).toBe(true);
    expect(await store.archive.delete('n1')).toBe(false);
    expect((await store.archive.getByName('argo', 'same'))?.metadata.uid).toBe('n2');
    expect(await store.archive.deleteFinishedBefore(Date.UTC(2026, 0, 1, 0, 0, 2), 100)).toBe(0);
    expect(await store.archive.deleteFinishedBefore(Date.UTC(2026, 0, 1, 0, 0, 3), 100)).toBeGreaterThan(5);
    expect(await store.archive.labelKeys()).toEqual([]);
  });
});
