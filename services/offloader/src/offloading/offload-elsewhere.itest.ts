import { beforeAll, describe, expect, it } from 'vitest';
import { type OffloadedVersion, OffloadTable, StoreUnavailableError } from '#libs/store';
import { testStore } from '#libs/testing';
import { OffloadElsewhere, type OffloadTarget } from './offload-elsewhere.js';

const clock = { nowMs: () => 1_700_000_000_000 };
const { store } = await testStore(clock);
let isAway = false;
let target: OffloadTarget;
let table: OffloadTable;

beforeAll(async () => {
  target = {
    dialect: 'postgres',
    place: { dialect: 'postgres', host: 'elsewhere', database: 'argo', clusterName: 'elsewhere' },
    run: (statement) => (isAway ? Promise.reject(new StoreUnavailableError('away')) : store.database.run(statement)),
  };
  table = new OffloadTable(target, target.place);
});
const there = () => new OffloadElsewhere(target, store.offloadNotes);
const row = (version: string) => ({ uid: 'u', namespace: 'argo', version, nodes: '{}' });
const has = async (version: OffloadedVersion): Promise<boolean> => (await table.read(version)) !== undefined;

describe('nodes in a database of their own', () => {
  it('are pruned there once no record names them, and rows of others are not', async () => {
    await table.save({ ...row('fnv:0'), uid: 'of another controller', nowMs: 0 });
    await there().save(row('fnv:1'), 10);
    await there().save(row('fnv:2'), 20);
    await store.database.run({
      text: `INSERT INTO record_marks (workflow, version, encoding, offload_version, cost_ms, recorded_at_ms)
        VALUES ('u', 2, 'offloaded', 'fnv:2', 1, 1)`,
    });
    expect(await there().prune(10, 10)).toBe(0);
    expect(await there().prune(100, 10)).toBe(1);
    expect(await Promise.all([row('fnv:1'), row('fnv:2'), { ...row('fnv:0'), uid: 'of another controller' }].map(has))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('are found again by pruning, wherever it stopped while that database was away', async () => {
    isAway = true;
    await expect(there().save(row('fnv:3'), 30)).rejects.toThrow('away');
    await expect(there().prune(100, 10)).rejects.toThrow('away');
    isAway = false;
    expect(await there().prune(100, 10)).toBe(1);
    expect(await there().prune(100, 10)).toBe(0);
  });
});
