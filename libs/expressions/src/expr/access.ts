import { ExpressionError } from '../errors.js';
import { goFormatValue } from '../golang/format-value.js';
import { floatToInt, isNumber, toFloat } from '../golang/numbers.js';
import { timeMethod } from '../golang/time-methods.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { byteLength, byteSlice, utf8Encode } from '../golang/utf8.js';
import { GoFunction, goTypeName, isArray, isNil, isRecord, lookup, type GoRecord } from '../golang/values.js';
import { asKey } from './comparison.js';

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

/** A number as an index or bound: floats are cut off. */
export function toIndex(value: unknown): number {
  if (!isNumber(value)) return fail(`invalid operation: int(${goTypeName(value)})`);
  return typeof value === 'bigint' ? Number(value) : Number(floatToInt(toFloat(value)));
}

/** The element at an index; negative indexes count from the end. */
function elementAt(items: ArrayLike<unknown>, key: unknown): unknown {
  const given = toIndex(key);
  const index = given < 0 ? items.length + given : given;
  const outside = index < 0 || index >= items.length;
  return outside ? fail(`index out of range: ${index} (array length is ${items.length})`) : (items[index] ?? null);
}

const valueOf = (record: GoRecord, key: unknown): unknown => (isNil(key) ? null : (lookup(record, asKey(key)) ?? null));

function methodOf(value: GoTime | GoDuration, key: unknown): GoFunction | undefined {
  const method = typeof key === 'string' ? timeMethod(value, key) : undefined;
  return method && new GoFunction(String(key), method);
}

/** `from.key` and `from[key]`: elements, map values, bytes of texts, methods of times; a missing map key gives nil. */
export function fetch(from: unknown, key: unknown): unknown {
  if (isArray(from) || from instanceof Uint8Array) return elementAt(from, key);
  if (typeof from === 'string') return elementAt(utf8Encode(from), key);
  if (isRecord(from)) return valueOf(from, key);
  if (from instanceof Map) return (from as ReadonlyMap<unknown, unknown>).get(key) ?? null;
  const method = from instanceof GoTime || from instanceof GoDuration ? methodOf(from, key) : undefined;
  return method ?? fail(`cannot fetch ${goFormatValue(key)} from ${goTypeName(from)}`);
}

/** Bounds within 0..length, the second not before the first; negative ones count from the end. */
function boundsOf(length: number, from: unknown, to: unknown): [start: number, end: number] {
  const bound = (given: unknown, whenAbsent: number): number => {
    const index = given === undefined ? whenAbsent : toIndex(given);
    return Math.min(Math.max(index < 0 ? length + index : index, 0), length);
  };
  const end = bound(to, length);
  return [Math.min(bound(from, 0), end), end];
}

/** `value[from:to]` of arrays, bytes and texts (by bytes); bounds outside are moved inside. */
export function slice(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value === 'string') return byteSlice(value, ...boundsOf(byteLength(value), from, to));
  if (isArray(value) || value instanceof Uint8Array) return value.slice(...boundsOf(value.length, from, to));
  return fail(`cannot slice ${goTypeName(value)}`);
}
