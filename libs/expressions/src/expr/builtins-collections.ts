import { ExpressionError } from '../errors.js';
import { isNumber } from '../golang/numbers.js';
import { compareStrings, goTypeName, isArray, isNil, isRecord, lookup } from '../golang/values.js';
import { toIndex } from './access.js';
import { type Builtins } from './builtins.js';
import { equal } from './comparison.js';

import { sortByKey } from './sorting.js';
import { type Budget } from './budget.js';

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

const list = (value: unknown, what: string): readonly unknown[] =>
  isArray(value) ? value : fail(`cannot ${what} ${goTypeName(value)}`);

function keysOf(value: unknown, what: string): unknown[] {
  if (value instanceof Map) return [...value.keys()];
  return isRecord(value) ? Object.keys(value).sort(compareStrings) : fail(`cannot ${what} ${goTypeName(value)}`);
}

const valueAt = (value: unknown, key: unknown): unknown => {
  if (value instanceof Map) return (value as Map<unknown, unknown>).get(key);
  return isRecord(value) && typeof key === 'string' ? lookup(value, key) : undefined;
};

function length(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  if (isRecord(value)) return Object.keys(value).length;
  return fail(`invalid argument for len (type ${goTypeName(value)})`);
}

function get([from, key]: readonly unknown[]): unknown {
  if (isArray(from)) {
    const index = toIndex(key);
    return from[index < 0 ? from.length + index : index] ?? null;
  }
  return isNil(from) ? null : (valueAt(from, key) ?? null);
}

function flatten(items: readonly unknown[], budget: Budget, depth = 0): unknown[] {
  if (depth > 1000) return fail('recursion depth exceeded');
  budget.allocate(items.length);
  return items.flatMap((item) => (isArray(item) ? flatten(item, budget, depth + 1) : [item]));
}

function unique(items: readonly unknown[], budget: Budget): unknown[] {
  const seen = new Set<unknown>();
  const kept: unknown[] = [];
  for (const item of items) {
    if (typeof item === 'string' || typeof item === 'boolean' || typeof item === 'number') {
      if (!seen.has(item)) kept.push(item);
      seen.add(item);
      continue;
    }
    budget.spend(kept.length);
    if (!kept.some((other) => equal(other, item))) kept.push(item);
  }
  return kept;
}

function fromPairs(pairs: readonly unknown[]): Map<unknown, unknown> {
  return new Map(
    pairs.map((pair): [unknown, unknown] => {
      if (!isArray(pair)) return fail(`invalid pair ${goTypeName(pair)}`);
      if (pair.length !== 2) return fail(`invalid pair length ${pair.length}`);
      return [pair[0], pair[1]];
    }),
  );
}

function sort([items, order]: readonly unknown[]): unknown[] {
  const values = list(items, 'sort');
  const kinds = new Set(values.map((value) => (isNumber(value) ? 'number' : typeof value)));
  if (kinds.size > 1) fail('cannot sort array of different types');
  return sortByKey(values, values, order);
}

function type(value: unknown): string {
  if (isNil(value)) return 'nil';
  const name = goTypeName(value);
  if (name.startsWith('map[')) return 'map';
  if (name.startsWith('[]')) return 'array';
  if (name.startsWith('func(')) return 'func';
  return name === 'float64' ? 'float' : name;
}

export const COLLECTION_BUILTINS: Builtins = {
  len: ([value]) => length(value),
  type: ([value]) => type(value),
  first: ([items]) => list(items, 'get first element from')[0] ?? null,
  last: ([items]) => list(items, 'get last element from').at(-1) ?? null,
  get,
  take: ([items, count]) => {
    const size = toIndex(count);
    return size < 0 ? fail(`cannot take ${size} elements`) : list(items, 'take from').slice(0, size);
  },
  keys: ([value]) => keysOf(value, 'get keys from'),
  values: ([value]) => keysOf(value, 'get values from').map((key) => valueAt(value, key)),
  toPairs: ([value]) => keysOf(value, 'transform to pairs').map((key) => [key, valueAt(value, key)]),
  fromPairs: ([pairs]) => fromPairs(list(pairs, 'transform from pairs')),
  reverse: ([items]) => [...list(items, 'reverse')].reverse(),
  uniq: ([items], budget) => unique(list(items, 'uniq'), budget),
  concat: (lists, budget) => {
    const all = lists.flatMap((items) => list(items, 'concat'));
    budget.allocate(all.length);
    return all;
  },
  flatten: ([items], budget) => flatten(list(items, 'flatten'), budget),
  sort,
};
