import { expect, it } from 'vitest';

import { testStore } from '#libs/testing';

// A program's own clock has no say in a lease.
const { store } = await testStore({ nowMs: () => 0 });

const shard = (number: number, holder = '', heir = '') => ({ shard: number, holder, heir });

it('renews the leases of a replica by the clock of the database, and tells what the others have said', async () => {
  await store.shardLeases.prepare('renewed', 2);
  await store.shardLeases.prepare('renewed', 2);
  const first = await store.shardLeases.beat({ host: 'renewed', holder: 'a', leaseMs: 5_000, isLeaving: false });
  expect(Math.abs(first.nowMs - (await store.databaseTimeMs()))).toBeLessThan(60_000);
  expect(first.wasUntilMs).toBeUndefined();
  expect(first.shards).toEqual([shard(0), shard(1)]);
  const other = await store.shardLeases.beat({ host: 'renewed', holder: 'b', leaseMs: 7_000, isLeaving: true });
  expect(other.holders).toEqual([
    { holder: 'a', untilMs: first.nowMs + 5_000, isLeaving: false },
    { holder: 'b', untilMs: other.nowMs + 7_000, isLeaving: true },
  ]);
  const again = await store.shardLeases.beat({ host: 'renewed', holder: 'a', leaseMs: 5_000, isLeaving: false });
  expect(again.wasUntilMs).toBe(first.nowMs + 5_000);
  await store.shardLeases.leave('renewed', 'b');
  const last = await store.shardLeases.beat({ host: 'renewed', holder: 'a', leaseMs: 5_000, isLeaving: false });
  expect(last.holders.map(({ holder }) => holder)).toEqual(['a']);
});

it('gives a shard to one of those who have read the same, and keeps hosts apart', async () => {
  await store.shardLeases.prepare('taken', 64);
  await store.shardLeases.prepare('elsewhere', 64);
  const all = Array.from({ length: 64 }, (_, number) => number);
  const takenBy = (holder: string, order: number[]) =>
    store.shardLeases.move(
      'taken',
      order.map((number) => ({ from: shard(number), to: shard(number, holder) })),
    );
  const taken = await Promise.all([
    takenBy('a', all),
    takenBy('b', all.toReversed()),
    takenBy('c', all),
    takenBy('d', all.toReversed()),
  ]);
  expect(taken.flatMap((numbers) => [...numbers]).toSorted((left, right) => left - right)).toEqual(all);
  const { shards } = await store.shardLeases.beat({ host: 'taken', holder: 'a', leaseMs: 1_000, isLeaving: false });
  for (const [index, holder] of ['a', 'b', 'c', 'd'].entries())
    expect(shards.filter((row) => row.holder === holder).map((row) => row.shard)).toEqual(
      [...(taken[index] ?? [])].toSorted((left, right) => left - right),
    );
  const elsewhere = await store.shardLeases.beat({ host: 'elsewhere', holder: 'a', leaseMs: 1_000, isLeaving: false });
  expect(elsewhere.shards.every(({ holder }) => holder === '')).toBe(true);
});
