import { ExpressionError } from '../errors.js';
import { goTypeName } from '../golang/values.js';
import { compare } from './comparison.js';

function descending(order: unknown): boolean {
  if (order === undefined || order === 'asc') return false;
  if (order === 'desc') return true;
  if (typeof order === 'string') throw new ExpressionError(`unknown order: ${order}`);
  throw new ExpressionError(`interface conversion: interface {} is ${goTypeName(order)}, not string`);
}

/** The items in the order of their keys (stable); `order` is `asc` (default) or `desc`. */
export function sortByKey(items: readonly unknown[], keys: readonly unknown[], order: unknown): unknown[] {
  const sign = descending(order) ? -1 : 1;
  const indexes = items.map((_, i) => i);
  indexes.sort((a, b) => sign * compare('<', keys[a], keys[b]));
  return indexes.map((i) => items[i]);
}
