import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MemoryResourceTable, TableResourceStore } from '#libs/resources';
import { quietLogger } from '#libs/testing';
import { forgetUnused, memoExpiryTimer, type MemoExpiryOptions } from './memo-expiry.js';

const used = (lastHitTimestamp: string): string =>
  JSON.stringify({ nodeID: 'n', creationTimestamp: lastHitTimestamp, lastHitTimestamp });

it('forgets entries of caches that nobody has asked for, and nothing else', async () => {
  const resources = new TableResourceStore({
    table: new MemoryResourceTable(),
    clock: { nowMs: () => 0 },
    createUid: randomUUID,
    parseLabelSelector: (selector) => (labels) => {
      const [key = '', value] = selector.split('=');
      return selector === '' || labels[key] === value;
    },
  });
  const data = { old: used('2024-01-01T00:00:00Z'), fresh: used('2024-01-01T01:00:00Z'), own: 'words' };
  const label = { 'workflows.argoproj.io/configmap-type': 'Cache' };
  for (const [name, labels] of [
    ['cache', label],
    ['other', {}],
  ] as const)
    await resources.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'lab', labels }, data });
  const purged: number[] = [];
  const options: MemoExpiryOptions = {
    memos: { purgeUnused: async ({ beforeMs }) => purged.push(beforeMs) - 1 },
    resources,
    clock: { nowMs: () => Date.parse('2024-01-01T01:00:10Z') },
    logger: quietLogger,
    intervalMs: 0,
    unusedMs: 30_000,
  };
  await forgetUnused(options);
  const dataOf = async (name: string) => (await resources.get({ kind: 'ConfigMap', namespace: 'lab', name }))['data'];
  expect(await dataOf('cache')).toEqual({ fresh: data.fresh, own: 'words' });
  expect(await dataOf('other')).toEqual(data);
  expect(purged).toEqual([Date.parse('2024-01-01T00:59:40Z')]);
  expect(memoExpiryTimer(options)).toBeUndefined();
});
