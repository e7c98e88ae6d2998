import { compareStrings, goTypeName, isArray, isNil, isRecord, lookup, newRecord, type GoRecord } from '../golang/values.js';
import { equal } from '../expr/comparison.js';
import { fail, intAt, isEmpty, kindOf, listOf, recordAt, sprigFunction, textAt, toText, type SprigCall } from './arguments.js';

type Entry = readonly [parameters: string, call: SprigCall];

const copyOf = (record: GoRecord): Record<string, unknown> => Object.assign(newRecord(), record);

function dictOf(args: readonly unknown[]): Record<string, unknown> {
  const record = newRecord();
  for (let i = 0; i < args.length; i += 2) record[toText(args[i])] = args[i + 1] ?? (i + 1 < args.length ? null : '');
  return record;
}

/** Merges maps deeply; without `overwrite` the first value that is not empty stays. */
function merge(into: GoRecord, from: GoRecord, overwrite: boolean): Record<string, unknown> {
  const merged = copyOf(into);
  for (const [key, value] of Object.entries(from)) {
    const present = lookup(merged, key);
    if (isRecord(present) && isRecord(value)) merged[key] = merge(present, value, overwrite);
    else if (overwrite ? !isEmpty(value) || !(key in merged) : isEmpty(present)) merged[key] = value;
  }
  return merged;
}

const mergeAll =
  (overwrite: boolean): SprigCall =>
  (args) =>
    args.map((value) => value as GoRecord).reduce((into, from) => merge(into, from, overwrite));

function dig(args: readonly unknown[]): unknown {
  if (args.length < 3) return fail('dig needs at least three arguments');
  const [dict, fallback] = [args.at(-1), args.at(-2)];
  let value: unknown = dict;
  for (const key of args.slice(0, -2)) {
    if (!isRecord(value)) return fail(`interface conversion: interface {} is ${goTypeName(value)}, not map[string]interface {}`);
    if (!Object.hasOwn(value, String(key))) return fallback;
    value = value[String(key)];
  }
  return value;
}

const chosen = (record: GoRecord, keep: (key: string) => boolean): Record<string, unknown> =>
  Object.assign(newRecord(), Object.fromEntries(Object.entries(record).filter(([key]) => keep(key))));

function setOf(args: readonly unknown[]): ReadonlySet<string> {
  return new Set(args.slice(1).flatMap((key) => (isArray(key) ? key.map(toText) : [toText(key)])));
}

function unique(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) if (!kept.some((other) => equal(other, item))) kept.push(item);
  return kept;
}

function chunks(size: number, items: readonly unknown[]): unknown[][] {
  if (size < 1) return fail('runtime error: integer divide by zero');
  const out: unknown[][] = [];
  for (let at = 0; at < items.length; at += size) out.push(items.slice(at, at + size));
  return out.length === 0 ? [[]] : out;
}

function sliceOf(args: readonly unknown[]): unknown {
  const items = listOf(args[0], 'slice');
  const [from = 0, to = items.length] = args.slice(1).map(Number);
  return from < 0 || to > items.length || from > to ? fail('runtime error: slice bounds out of range') : items.slice(from, to);
}

const deepCopy = (value: unknown): unknown => {
  if (isArray(value)) return value.map(deepCopy);
  return isRecord(value)
    ? Object.assign(newRecord(), Object.fromEntries(Object.entries(value).map(([k, v]) => [k, deepCopy(v)])))
    : value;
};

/** Functions that have a twin with `must` in front, which does the same here: both throw. */
const LISTS: Readonly<Record<string, Entry>> = {
  append: ['aa', ([items, value]) => [...listOf(items, 'push'), value]],
  push: ['aa', ([items, value]) => [...listOf(items, 'push'), value]],
  prepend: ['aa', ([items, value]) => [value, ...listOf(items, 'prepend')]],
  first: ['a', ([items]) => listOf(items, 'find first')[0] ?? null],
  last: ['a', ([items]) => listOf(items, 'find last').at(-1) ?? null],
  rest: ['a', ([items]) => nilIfEmpty(listOf(items, 'find rest'), (list) => list.slice(1))],
  initial: ['a', ([items]) => nilIfEmpty(listOf(items, 'find initial'), (list) => list.slice(0, -1))],
  reverse: ['a', ([items]) => [...listOf(items, 'find reverse')].reverse()],
  uniq: ['a', ([items]) => unique(listOf(items, 'find uniq'))],
  without: ['aa*', ([items, ...cut]) => listOf(items, 'find without').filter((item) => !cut.some((other) => equal(item, other)))],
  has: ['aa', ([needle, items]) => !isNil(items) && listOf(items, 'find has').some((item) => equal(item, needle))],
  compact: ['a', ([items]) => listOf(items, 'compact').filter((item) => !isEmpty(item))],
  chunk: ['ia', (args) => chunks(intAt(args, 0), listOf(args[1], 'chunk'))],
  slice: ['aa*', sliceOf],
  merge: ['dd*', mergeAll(false)],
  mergeOverwrite: ['dd*', mergeAll(true)],
  deepCopy: ['a', ([value]) => deepCopy(value)],
};

const nilIfEmpty = (items: readonly unknown[], take: (items: readonly unknown[]) => unknown): unknown =>
  items.length === 0 ? null : take(items);

const OTHERS: Readonly<Record<string, Entry>> = {
  list: ['a*', (args) => args],
  tuple: ['a*', (args) => args],
  concat: ['a*', (lists) => lists.flatMap((items) => listOf(items, 'concat'))],
  dict: ['a*', dictOf],
  get: [
    'ds',
    (args) => lookup(recordAt(args, 0), textAt(args, 1)) ?? (Object.hasOwn(recordAt(args, 0), textAt(args, 1)) ? null : ''),
  ],
  set: ['dsa', (args) => Object.assign(copyOf(recordAt(args, 0)), { [textAt(args, 1)]: args[2] })],
  unset: ['ds', (args) => chosen(recordAt(args, 0), (key) => key !== args[1])],
  hasKey: ['ds', (args) => Object.hasOwn(recordAt(args, 0), textAt(args, 1))],
  pluck: ['sd*', ([key, ...records]) => records.flatMap((record) => presentValue(record as GoRecord, String(key)))],
  keys: ['d*', (records) => records.flatMap((record) => Object.keys(record as GoRecord).sort(compareStrings))],
  values: [
    'd',
    (args) =>
      Object.keys(recordAt(args, 0))
        .sort(compareStrings)
        .map((key) => recordAt(args, 0)[key]),
  ],
  pick: ['ds*', (args) => chosen(recordAt(args, 0), (key) => setOf(args).has(key))],
  omit: ['ds*', (args) => chosen(recordAt(args, 0), (key) => !setOf(args).has(key))],
  dig: ['a*', dig],
  default: ['aa*', ([fallback, value]) => (isEmpty(value) ? fallback : value)],
  empty: ['a', ([value]) => isEmpty(value)],
  coalesce: ['a*', (args) => args.find((value) => !isEmpty(value)) ?? null],
  all: ['a*', (args) => !args.some(isEmpty)],
  any: ['a*', (args) => args.some((value) => !isEmpty(value))],
  ternary: ['aab', ([yes, no, test]) => (test === true ? yes : no)],
  deepEqual: ['aa', ([left, right]) => typeof left === typeof right && equal(left, right)],
  typeOf: ['a', ([value]) => goTypeName(value)],
  typeIs: ['sa', ([name, value]) => goTypeName(value) === name],
  typeIsLike: ['sa', ([name, value]) => goTypeName(value) === name || `*${String(name)}` === goTypeName(value)],
  kindOf: ['a', ([value]) => kindOf(value)],
  kindIs: ['sa', ([name, value]) => kindOf(value) === name],
};

const presentValue = (record: GoRecord, key: string): unknown[] => (Object.hasOwn(record, key) ? [record[key]] : []);

const mustName = (name: string): string => `must${name.charAt(0).toUpperCase()}${name.slice(1)}`;

export const COLLECTION_FUNCTIONS = [
  ...Object.entries(OTHERS),
  ...Object.entries(LISTS),
  ...Object.entries(LISTS).map(([name, entry]): [string, Entry] => [mustName(name), entry]),
].map(([name, [parameters, call]]) => sprigFunction(name, parameters, call));
