import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '#libs/testing';
import { byTurn, grantClaims, type LockCapacity, type LockClaim } from './grants.js';

const LOCKS = ['a', 'b', 'c', 'd'];
const capacities = fc.tuple(
  ...LOCKS.map((name) => fc.integer({ min: -1, max: 3 }).map((free): LockCapacity => ({ name, free }))),
);
const claims = fc
  .array(
    fc.record({
      priority: fc.integer({ min: 0, max: 2 }),
      createdAtMs: fc.integer({ min: 0, max: 3 }),
      locks: fc.subarray(LOCKS, { minLength: 1 }),
      isHolder: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((list) => list.map((claim, serial): LockClaim => ({ ...claim, serial, id: String(serial) })));

const taken = (granted: readonly LockClaim[], name: string): number => granted.filter(({ locks }) => locks.includes(name)).length;

describe('granting', () => {
  it('never gives more than is free, and leaves nothing that the first in turn could have', () => {
    fc.assert(
      fc.property(capacities, claims, (free, waiting) => {
        const granted = grantClaims(free, waiting);
        for (const lock of free) expect(taken(granted, lock.name)).toBeLessThanOrEqual(Math.max(0, lock.free));
        const first = waiting.filter((claim) => !granted.includes(claim)).sort(byTurn)[0];
        const room = (name: string): number => (free.find((lock) => lock.name === name)?.free ?? 0) - taken(granted, name);
        expect(first === undefined || first.locks.some((name) => room(name) <= 0)).toBe(true);
      }),
    );
  });

  it('lets nobody pass an earlier claim, except who holds a lock already', () => {
    fc.assert(
      fc.property(capacities, claims, (free, waiting) => {
        const granted = new Set(grantClaims(free, waiting));
        for (const claim of granted) {
          if (claim.isHolder) continue;
          const passed = waiting.filter(
            (other) => !granted.has(other) && byTurn(other, claim) < 0 && other.locks.some((name) => claim.locks.includes(name)),
          );
          expect(passed).toEqual([]);
        }
      }),
    );
  });

  it('does not depend on the order in which the claims are given', () => {
    fc.assert(
      fc.property(capacities, claims, (free, waiting) => {
        const ids = (list: readonly LockClaim[]): string[] => list.map(({ id }) => id);
        expect(ids(grantClaims(free, [...waiting].reverse()))).toEqual(ids(grantClaims(free, waiting)));
      }),
    );
  });
});

/** A workflow that holds `outer` over its whole life and takes `inner` for its steps, one after the other. */
interface Life {
  outer: string[];
  inner: string[][];
}
const OUTER = ['a', 'b'];
const lives = fc.array(
  fc.record({
    outer: fc.subarray(OUTER),
    // A step may want anything that its workflow does not hold: waiting for oneself is nobody else's fault.
    inner: fc.array(fc.subarray(LOCKS, { minLength: 1 }), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);
const stepLocks = ({ outer, inner }: Life): string[][] =>
  inner
    .map((locks) => (outer.length === 0 ? locks : locks.filter((name) => !OUTER.includes(name))))
    .filter(({ length }) => length > 0);

interface Run {
  steps: string[][];
  holds: string[];
  wants: string[] | undefined;
}

const playLives = (limits: ReadonlyMap<string, number>, all: readonly Life[], random: () => number): boolean => {
  const runs = all.map((life): Run => ({
    steps: stepLocks(life),
    holds: [],
    wants: life.outer.length > 0 ? life.outer : undefined,
  }));
  const inside = new Map<Run, string[]>();
  const held = (name: string): number =>
    runs.reduce((sum, run) => sum + [...run.holds, ...(inside.get(run) ?? [])].filter((lock) => lock === name).length, 0);
  let open = new Set(runs);
  for (let turns = 0; turns < 500 && open.size > 0; turns += 1) {
    const idle = [...open].filter((run) => run.wants === undefined);
    const run = idle[Math.floor(random() * idle.length)];
    if (run !== undefined) {
      if (inside.has(run)) inside.delete(run);
      else run.wants = run.steps.shift();
      if (run.wants === undefined && run.steps.length === 0) {
        run.holds = [];
        open = new Set([...open].filter((other) => other !== run));
      }
    }
    const waiting = runs.flatMap((other, index) =>
      other.wants === undefined
        ? []
        : [
            {
              id: String(index),
              priority: 0,
              createdAtMs: index,
              serial: 0,
              locks: other.wants,
              isHolder: other.holds.length > 0,
              run: other,
            },
          ],
    );
    for (const { run: lucky, locks } of grantClaims(
      [...limits].map(([name, limit]) => ({ name, free: limit - held(name) })),
      waiting,
    )) {
      lucky.wants = undefined;
      if (lucky.holds.length === 0 && locks.every((name) => OUTER.includes(name)) && all[runs.indexOf(lucky)]?.outer === locks)
        lucky.holds = [...locks];
      else inside.set(lucky, [...locks]);
    }
    for (const [name, limit] of limits) if (held(name) > limit) throw new Error(`${name} is held ${held(name)} times`);
  }
  return open.size === 0;
};

describe('workflows with locks of their own and of their steps', () => {
  it('all end, whatever each of them wants together', () => {
    fc.assert(
      fc.property(
        lives,
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (all, limits, seed) => {
          const random = seededRandom(seed);
          expect(playLives(new Map(LOCKS.map((name, index) => [name, limits[index] ?? 1])), all, random)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});
