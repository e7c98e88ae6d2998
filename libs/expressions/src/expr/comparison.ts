import { ExpressionError } from '../errors.js';
import { isInt, isNumber, toFloat, type GoNumber } from '../golang/numbers.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { compareStrings, goTypeName, isArray, isNil, isRecord, lookup, type GoRecord } from '../golang/values.js';

const signOf = <T extends number | bigint>(left: T, right: T): number => {
  if (left < right) return -1;
  return left > right ? 1 : left === right ? 0 : Number.NaN;
};

/** Negative, zero or positive as left is smaller, equal or greater; NaN where either is. Ints compare exactly. */
export function compareNumbers(left: GoNumber, right: GoNumber): number {
  if (!isInt(left) || !isInt(right)) return signOf(toFloat(left), toFloat(right));
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return signOf(BigInt(left), BigInt(right));
}

/** Compares what `<` and its kin can compare: numbers, texts, times, durations. */
export function compare(operator: string, left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right);
  if (left instanceof GoTime && right instanceof GoTime) return signOf(left.unixNs, right.unixNs);
  if (left instanceof GoDuration && right instanceof GoDuration) return signOf(left.ns, right.ns);
  throw new ExpressionError(`invalid operation: ${goTypeName(left)} ${operator} ${goTypeName(right)}`);
}

type Sequence = ArrayLike<unknown>;

const sameItems = (left: Sequence, right: Sequence): boolean =>
  left.length === right.length && Array.prototype.every.call(left, (item, i) => equal(item, right[i]));

function sameRecords(left: GoRecord, right: GoRecord): boolean {
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equal(lookup(left, key), lookup(right, key)))
  );
}

function sameMaps(left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && equal(value, right.get(key)));
}

/** Equality of objects by what they hold. */
function sameContents(left: object, right: object): boolean {
  if (isArray(left) && isArray(right)) return sameItems(left, right);
  if (isRecord(left) && isRecord(right)) return sameRecords(left, right);
  if (left instanceof Map && right instanceof Map) return sameMaps(left, right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return sameItems(left, right);
  if (left instanceof GoTime && right instanceof GoTime) return left.unixNs === right.unixNs;
  return left instanceof GoDuration && right instanceof GoDuration && left.ns === right.ns;
}

/** `==`: numbers by value whatever their type, collections by their elements, times by their moment. */
export function equal(left: unknown, right: unknown): boolean {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0;
  if (left === right) return true;
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  return typeof left === 'object' && typeof right === 'object' && sameContents(left, right);
}

/** A key of a map whose keys are strings; Go's reflection refuses any other. */
export function asKey(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new ExpressionError(`reflect.Value.MapIndex: value of type ${goTypeName(value)} is not assignable to type string`);
}

/** `needle in haystack`: an element of an array, a key of a map; nothing is in nil. */
export function contains(needle: unknown, haystack: unknown): boolean {
  if (isNil(haystack)) return false;
  if (isArray(haystack)) return haystack.some((item) => equal(item, needle));
  if (haystack instanceof Map) return haystack.has(needle);
  if (!isRecord(haystack)) throw new ExpressionError(`operator "in" not defined on ${goTypeName(haystack)}`);
  return isNil(needle) ? false : Object.hasOwn(haystack, asKey(needle));
}
