import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Command, MemoEntry } from '#libs/engine';
import { MemoryResourceTable, ResourceConflictError, TableResourceStore, type Resource } from '#libs/resources';
import { ConfigMapMemos } from './config-map-memos.js';
import { MemoKeeper, memoRowsOf } from './memo-keeper.js';

const LABEL = 'workflows.argoproj.io/configmap-type';
let resources: TableResourceStore;
let keeper: MemoKeeper;
let warnings: string[];

beforeEach(() => {
  resources = new TableResourceStore({
    table: new MemoryResourceTable(),
    clock: { nowMs: () => 0 },
    createUid: randomUUID,
    parseLabelSelector: () => () => true,
  });
  warnings = [];
  keeper = new MemoKeeper({ get: async () => undefined }, new ConfigMapMemos(resources), {
    warn: (message) => warnings.push(message),
  });
});

const entry = (nodeID: string): MemoEntry => ({
  nodeID,
  outputs: { result: nodeID },
  creationTimestamp: '2024-01-01T00:00:00Z',
  lastHitTimestamp: '2024-01-01T00:00:01Z',
});
const save = (
  key: string,
  nodeID: string,
  cache: { configMap: string } | { database: string } = { configMap: 'c' },
): Command => ({
  type: 'saveMemo',
  at: { namespace: 'lab', cache, key },
  entry: entry(nodeID),
});
const load = (key: string) => keeper.load({ kind: 'memo', namespace: 'lab', cache: { configMap: 'c' }, key });
const configMap = (labels: Record<string, string>, data: Record<string, string> = {}): Resource => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'c', namespace: 'lab', labels },
  data,
});

describe('outputs in ConfigMaps', () => {
  it('make the ConfigMap when they are first kept, and are read back', async () => {
    expect(await load('a')).toBeNull();
    await keeper.remember([save('a', 'one'), save('b', 'two')]);
    await keeper.remember([save('a', 'three')]);
    expect(await load('a')).toEqual({ kind: 'memo', entry: entry('three') });
    expect(await load('b')).toEqual({ kind: 'memo', entry: entry('two') });
    const stored = await resources.get({ kind: 'ConfigMap', namespace: 'lab', name: 'c' });
    expect(stored.metadata.labels).toEqual({ [LABEL]: 'Cache' });
  });

  it('leave a ConfigMap alone that is no cache, and say so to who wants to read', async () => {
    await resources.create(configMap({}, { mine: 'x' }));
    await keeper.remember([save('a', 'one')]);
    expect((await resources.get({ kind: 'ConfigMap', namespace: 'lab', name: 'c' }))['data']).toEqual({ mine: 'x' });
    expect(await load('a')).toEqual({
      kind: 'memo',
      problem: `ConfigMap "c" needs the label ${LABEL}: Cache to be used as a cache`,
    });
  });

  it('that people have written wrongly are a problem and not unknown', async () => {
    await resources.create(configMap({ [LABEL]: 'Cache' }, { a: 'no JSON' }));
    expect(await load('a')).toEqual({ kind: 'memo', problem: 'entry "a" of ConfigMap "c" is not JSON' });
  });

  it('are written again where another scheduler was quicker', async () => {
    const conflict = new ResourceConflictError({ kind: 'ConfigMap', namespace: 'lab', name: 'c' });
    const update = resources.update.bind(resources);
    let failures = 2;
    resources.update = (resource) => (failures-- > 0 ? Promise.reject(conflict) : update(resource));
    await keeper.remember([save('a', 'one')]);
    await keeper.remember([save('b', 'two')]);
    expect(await load('b')).toMatchObject({ entry: { nodeID: 'two' } });
    expect(warnings).toEqual([]);
  });

  it('that cannot be written hold nobody up', async () => {
    resources.create = () => Promise.reject(new Error('away'));
    await keeper.remember([save('a', 'one')]);
    expect(warnings).toEqual(['outputs could not be remembered']);
  });
});

describe('outputs in tables', () => {
  it('go with the commit, and never into ConfigMaps', async () => {
    const commands = [save('a', 'one', { database: 'd' })];
    expect(memoRowsOf(commands)).toEqual([
      { namespace: 'lab', cache: 'd', key: 'a', entry: entry('one'), lastHitAtMs: Date.UTC(2024, 0, 1, 0, 0, 1) },
    ]);
    await keeper.remember(commands);
    expect((await resources.list('ConfigMap', 'lab')).items).toEqual([]);
  });
});
