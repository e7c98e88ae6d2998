import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateCache } from './state-cache.js';

describe('StateCache', () => {
  it('drops the least recently used value when the bound is passed', () => {
    const cache = new StateCache<string>(10);
    cache.set('a', 'A', 4);
    cache.set('b', 'B', 4);
    expect(cache.get('a')).toBe('A');
    cache.set('c', 'C', 4);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
  });

  it('keeps one value that is larger than the bound, alone', () => {
    const cache = new StateCache<string>(10);
    cache.set('small', 's', 2);
    cache.set('large', 'l', 50);
    expect([cache.get('small'), cache.get('large'), cache.sizeBytes]).toEqual([undefined, 'l', 50]);
  });

  it('never holds more than the bound and one value, and counts its bytes right', () => {
    const operation = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      size: fc.integer({ min: 0, max: 12 }),
      drop: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const cache = new StateCache<number>(20);
        for (const { key, size, drop } of operations) {
          if (drop) cache.drop(key);
          else cache.set(key, size, size);
          const held = ['a', 'b', 'c', 'd'].map((name) => cache.get(name)).filter((value) => value !== undefined);
          expect(cache.sizeBytes).toBe(held.reduce((sum, value) => sum + value, 0));
          expect(cache.count).toBe(held.length);
          expect(cache.sizeBytes <= 20 || cache.count === 1).toBe(true);
        }
      }),
    );
  });
});
