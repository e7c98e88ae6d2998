import { describe, expect, it } from 'vitest';
import { resourceStoreContract, resourceTableContract } from '#libs/testing';
import { TransientError } from '#libs/workflow-spec';
import {
  MemoryResourceTable,
  ResourceExpiredError,
  TableResourceStore,
  type ResourceEvent,
  type ResourceTable,
} from './index.js';

/** Enough of selectors for these tests: `key=value,…`. */
const equalityOnly = (selector: string) => (labels: Readonly<Record<string, string>>) =>
  selector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => labels[term.split('=')[0] ?? ''] === term.split('=')[1]);

const createStore = (table: ResourceTable = new MemoryResourceTable()) => {
  let uids = 0;
  return new TableResourceStore({
    table,
    clock: { nowMs: () => Date.UTC(2026, 0, 1) },
    createUid: () => `uid-${(uids += 1)}`,
    parseLabelSelector: equalityOnly,
    pollIntervalMs: 20,
  });
};

resourceTableContract('memory', async () => new MemoryResourceTable());
resourceStoreContract('table in memory', async () => createStore());

const template = (name: string, size = 0) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'WorkflowTemplate',
  metadata: { name, namespace: 'lab' },
  spec: { note: 'x'.repeat(size) },
});

describe('TableResourceStore', () => {
  it('tells a watcher whose version was compacted away to list again', async () => {
    const table = new MemoryResourceTable();
    const store = createStore(table);
    const { metadata } = await store.create(template('a'));
    await store.delete({ kind: 'WorkflowTemplate', namespace: 'lab', name: 'a' });
    await table.compact(Date.UTC(2027, 0, 1));
    const signal = new AbortController().signal;
    const watch = store.watch('WorkflowTemplate', 'lab', { resourceVersion: metadata.resourceVersion ?? '', signal });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(ResourceExpiredError);
  });

  it('goes on watching by itself after the database was away', async () => {
    const table = new MemoryResourceTable();
    let failures = 3;
    const changes = table.changes.bind(table);
    table.changes = (query) => (failures-- > 0 ? Promise.reject(new TransientError('away')) : changes(query));
    const store = createStore(table);
    const ending = new AbortController();
    await store.create(template('a'));
    const events: ResourceEvent[] = [];
    for await (const event of store.watch('WorkflowTemplate', '', { resourceVersion: '0', signal: ending.signal })) {
      events.push(event);
      ending.abort();
    }
    expect(events.map(({ type }) => type)).toEqual(['ADDED']);
  });

  it('catches up with a backlog larger than one batch', async () => {
    const store = createStore();
    for (let index = 0; index < 1203; index += 1) await store.create(template(`t-${index}`));
    const ending = new AbortController();
    const names = new Set<string>();
    for await (const { object } of store.watch('WorkflowTemplate', '', { resourceVersion: '0', signal: ending.signal })) {
      names.add(object.metadata.name);
      if (names.size === 1203) ending.abort();
    }
    expect(names.size).toBe(1203);
    expect((await store.list('WorkflowTemplate', '')).items).toHaveLength(1203);
  });

  it('refuses objects that are too large, saying how large', async () => {
    await expect(createStore().create(template('big', 4 * 1024 * 1024))).rejects.toThrow(
      /WorkflowTemplate "big" is too large: 41\d+ bytes/,
    );
  });
});
