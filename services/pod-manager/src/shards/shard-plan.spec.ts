import type { ShardHolder, ShardMove, ShardRow, ShardView } from '#libs/store';
import { describe, expect, it } from 'vitest';
import { planShards, shardsOf } from './shard-plan.js';

const LEASE_MS = 100;
const SHARDS = 64;

/** The table of leases with a clock of its own, and replicas that follow at once whatever they are to follow. */
class Table {
  nowMs = 1_000;
  rows: ShardRow[] = Array.from({ length: SHARDS }, (_, shard) => ({ shard, holder: '', heir: '' }));
  private readonly holders = new Map<string, ShardHolder>();

  read(holder: string, isLeaving = false): ShardView {
    const wasUntilMs = this.holders.get(holder)?.untilMs;
    this.holders.set(holder, { holder, untilMs: this.nowMs + LEASE_MS, isLeaving });
    return { nowMs: this.nowMs, holders: [...this.holders.values()], shards: this.rows, wasUntilMs };
  }

  apply(moves: readonly ShardMove[]): number {
    for (const { from, to } of moves) {
      if (this.rows[from.shard] === from) this.rows = this.rows.with(from.shard, to);
    }
    return moves.length;
  }

  /** One beat of each; gives how much they wanted to change. */
  round(names: readonly string[], leaving: readonly string[] = []): number {
    this.nowMs += 10;
    let changes = 0;
    for (const holder of names) {
      const followed = new Set(shardsOf(this.rows, holder));
      changes += this.apply(planShards(this.read(holder, leaving.includes(holder)), { holder, followed }));
    }
    return changes;
  }

  settle(names: readonly string[], leaving: readonly string[] = []): void {
    for (let round = 0; round < 10; round += 1) if (this.round(names, leaving) === 0) return;
    throw new Error('the replicas do not come to rest');
  }

  counts(...names: string[]): number[] {
    return names.map((name) => this.rows.filter((row) => row.holder === name && row.heir === '').length);
  }
}

describe('planShards', () => {
  it('gives all to the only one', () => {
    const table = new Table();
    table.round(['a']);
    expect(table.counts('a')).toEqual([SHARDS]);
  });

  it.each([2, 3, 5, 10, 64, 70])('comes to a fair share for each of %i replicas, and to rest', (count) => {
    const table = new Table();
    const names = Array.from({ length: count }, (_, index) => `replica-${index}`);
    table.settle(names.slice(0, 1));
    table.settle(names);
    const counts = table.counts(...names);
    expect(counts.reduce((sum, each) => sum + each, 0)).toBe(SHARDS);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('leaves a shard with its holder until the heir follows it', () => {
    const table = new Table();
    table.round(['a']);
    const wishes = planShards(table.read('b'), { holder: 'b', followed: new Set() });
    expect(wishes).toHaveLength(SHARDS / 2);
    expect(wishes.every(({ to }) => to.holder === 'a' && to.heir === 'b')).toBe(true);
    table.apply(wishes);
    expect(shardsOf(table.rows, 'a')).toHaveLength(SHARDS);
    expect(planShards(table.read('b'), { holder: 'b', followed: new Set() })).toEqual([]);
    const followed = new Set(shardsOf(table.rows, 'b'));
    table.apply(planShards(table.read('b'), { holder: 'b', followed }));
    expect(shardsOf(table.rows, 'a')).toHaveLength(SHARDS / 2);
    expect(table.counts('a', 'b')).toEqual([SHARDS / 2, SHARDS / 2]);
  });

  it('takes the shards of a replica whose lease has run out, and not a moment before', () => {
    const table = new Table();
    table.settle(['a', 'b']);
    table.nowMs += LEASE_MS - 20;
    table.round(['a']);
    expect(table.counts('a')).toEqual([SHARDS / 2]);
    table.round(['a']);
    table.round(['a']);
    expect(table.counts('a')).toEqual([SHARDS]);
  });

  it('takes over what a dead holder was to leave to a dead heir', () => {
    const table = new Table();
    table.rows = table.rows.map(({ shard }) => ({ shard, holder: 'dead', heir: 'dead-as-well' }));
    table.round(['a']);
    expect(table.counts('a')).toEqual([SHARDS]);
  });

  it('lets a living heir have what its holder died with', () => {
    const table = new Table();
    table.settle(['a', 'b']);
    table.rows = table.rows.map((row) => (row.shard === 0 ? { shard: 0, holder: 'dead', heir: 'b' } : row));
    table.apply(planShards(table.read('b'), { holder: 'b', followed: new Set() }));
    expect(table.rows[0]).toEqual({ shard: 0, holder: 'b', heir: '' });
  });

  it('judges nobody after a time in which the database was away', () => {
    const table = new Table();
    table.settle(['a', 'b', 'c']);
    const before = table.rows;
    table.nowMs += 10 * LEASE_MS;
    table.round(['a']);
    table.round(['b', 'c']);
    table.settle(['a', 'b', 'c']);
    expect(table.rows).toEqual(before);
  });

  it('hands the shards of one who leaves to the others, who follow them first', () => {
    const table = new Table();
    table.settle(['a', 'b', 'c']);
    table.settle(['a', 'b', 'c'], ['b']);
    expect(table.counts('a', 'b', 'c')).toEqual([SHARDS / 2, 0, SHARDS / 2]);
  });

  it('changes nothing of what is fair already when replicas come and go', () => {
    const table = new Table();
    table.settle(['a', 'b']);
    const before = table.rows.filter(({ holder }) => holder === 'a').map(({ shard }) => shard);
    table.settle(['a', 'b', 'c']);
    const after = table.rows.filter(({ holder }) => holder === 'a').map(({ shard }) => shard);
    expect(before).toEqual(expect.arrayContaining(after));
  });
});
