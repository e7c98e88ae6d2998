import { ExpressionError } from '../errors.js';
import { Float64, float, floatToInt, int, isFloat, isInt, isNumber, toFloat, type GoNumber } from '../golang/numbers.js';
import { regexpMatches } from '../golang/regexp.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { byteLength, byteSlice, isAscii, utf8Encode } from '../golang/utf8.js';
import { compareStrings, GoFunction, goTypeName, isArray, isNil, isRecord, lookup, type GoRecord } from '../golang/values.js';
import { timeMethod } from '../golang/time-methods.js';

/** No string made by an expression may get longer than this many UTF-16 units. */
export const MAX_STRING_LENGTH = 16_000_000;

const fail = (message: string): never => {
  throw new ExpressionError(message, 'run');
};
const mismatch = (operator: string, left: unknown, right: unknown): never =>
  fail(`invalid operation: ${goTypeName(left)} ${operator} ${goTypeName(right)}`);

type IntOperation = (a: bigint, b: bigint) => bigint;
type FloatOperation = (a: number, b: number) => number;

function arithmetic(left: GoNumber, right: GoNumber, onFloats: FloatOperation, onInts: IntOperation): unknown {
  if (isInt(left) && isInt(right)) {
    if (typeof left === 'number' && typeof right === 'number') {
      const result = onFloats(left, right);
      if (Number.isSafeInteger(result)) return result + 0;
    }
    return int(onInts(BigInt(left), BigInt(right)));
  }
  return float(onFloats(toFloat(left), toFloat(right)));
}

export function add(left: unknown, right: unknown): unknown {
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length + right.length > MAX_STRING_LENGTH) return fail('memory budget exceeded');
    return left + right;
  }
  if (isNumber(left) && isNumber(right)) {
    return arithmetic(
      left,
      right,
      (a, b) => a + b,
      (a, b) => a + b,
    );
  }
  if (left instanceof GoTime && right instanceof GoDuration) return new GoTime(left.unixNs + right.ns, left.zone);
  if (left instanceof GoDuration && right instanceof GoTime) return new GoTime(right.unixNs + left.ns, right.zone);
  if (left instanceof GoDuration && right instanceof GoDuration) return new GoDuration(left.ns + right.ns);
  return mismatch('+', left, right);
}

export function subtract(left: unknown, right: unknown): unknown {
  if (isNumber(left) && isNumber(right)) {
    return arithmetic(
      left,
      right,
      (a, b) => a - b,
      (a, b) => a - b,
    );
  }
  if (left instanceof GoTime && right instanceof GoTime) return new GoDuration(left.unixNs - right.unixNs);
  if (left instanceof GoTime && right instanceof GoDuration) return new GoTime(left.unixNs - right.ns, left.zone);
  if (left instanceof GoDuration && right instanceof GoDuration) return new GoDuration(left.ns - right.ns);
  return mismatch('-', left, right);
}

function scaleDuration(duration: GoDuration, factor: GoNumber): unknown {
  if (isInt(factor)) return new GoDuration(duration.ns * BigInt(factor));
  const scaled = floatToInt(Number(duration.ns) * toFloat(factor));
  return new GoDuration(BigInt(scaled));
}

export function multiply(left: unknown, right: unknown): unknown {
  if (isNumber(left) && isNumber(right)) {
    return arithmetic(
      left,
      right,
      (a, b) => a * b,
      (a, b) => a * b,
    );
  }
  if (left instanceof GoDuration && isNumber(right)) return scaleDuration(left, right);
  if (right instanceof GoDuration && isNumber(left)) return scaleDuration(right, left);
  if (left instanceof GoDuration && right instanceof GoDuration) return new GoDuration(left.ns * right.ns);
  return mismatch('*', left, right);
}

export function divide(left: unknown, right: unknown): unknown {
  if (isNumber(left) && isNumber(right)) return float(toFloat(left) / toFloat(right));
  return mismatch('/', left, right);
}

export function modulo(left: unknown, right: unknown): unknown {
  if (!isInt(left) || !isInt(right)) return mismatch('%', left, right);
  if (typeof left === 'number' && typeof right === 'number' && right !== 0) return (left % right) + 0;
  if (BigInt(right) === 0n) return fail('runtime error: integer divide by zero');
  return int(BigInt(left) % BigInt(right));
}

const asFloatOperand = (value: unknown): number =>
  isNumber(value) ? toFloat(value) : fail(`invalid operation: float(${goTypeName(value)})`);

export const power = (left: unknown, right: unknown): unknown => float(goPow(asFloatOperand(left), asFloatOperand(right)));

/** math.Pow: unlike `**`, 1 to any power and -1 to an infinite power are 1. */
const goPow = (base: number, exponent: number): number =>
  base === 1 || (base === -1 && !Number.isFinite(exponent) && !Number.isNaN(exponent)) ? 1 : base ** exponent;

export function negate(value: unknown): unknown {
  if (isInt(value)) return int(-BigInt(value));
  if (isFloat(value)) return float(-toFloat(value));
  if (value instanceof GoDuration) return new GoDuration(-value.ns);
  return fail(`invalid operation: - ${goTypeName(value)}`);
}

export function compareNumbers(left: GoNumber, right: GoNumber): number {
  if (typeof left === 'number' && typeof right === 'number')
    return left < right ? -1 : left > right ? 1 : left === right ? 0 : NaN;
  if (isInt(left) && isInt(right)) return BigInt(left) < BigInt(right) ? -1 : BigInt(left) > BigInt(right) ? 1 : 0;
  const a = toFloat(left);
  const b = toFloat(right);
  return a < b ? -1 : a > b ? 1 : a === b ? 0 : NaN;
}

/** Negative, zero or positive (NaN for unordered floats); throws for values that have no order. */
export function compare(operator: string, left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right);
  if (left instanceof GoTime && right instanceof GoTime) return Number(left.unixNs - right.unixNs);
  if (left instanceof GoDuration && right instanceof GoDuration) return Number(left.ns - right.ns);
  return mismatch(operator, left, right);
}

function equalRecords(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && equal(left[key], right[key]))
  );
}

const equalItems = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left.length === right.length && left.every((item, i) => equal(item, right[i]));

function equalObjects(left: object, right: object): boolean {
  if (isArray(left)) return isArray(right) && equalItems(left, right);
  if (left instanceof GoTime) return right instanceof GoTime && left.unixNs === right.unixNs;
  if (left instanceof GoDuration) return right instanceof GoDuration && left.ns === right.ns;
  if (left instanceof Uint8Array) return right instanceof Uint8Array && equalItems([...left], [...right]);
  if (left instanceof Map && right instanceof Map) {
    return left.size === right.size && [...left].every(([key, value]) => right.has(key) && equal(value, right.get(key)));
  }
  return isRecord(left) && isRecord(right) && equalRecords(left, right);
}

/** expr-lang's equality: numbers by value, containers deeply, different kinds are unequal. */
export function equal(left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0;
  return typeof left === 'object' && typeof right === 'object' ? equalObjects(left, right) : left === right;
}

const mapKeyOf = (key: unknown): unknown => (key instanceof Float64 ? key.value : key);

export function contains(needle: unknown, haystack: unknown): boolean {
  if (isNil(haystack)) return false;
  if (isArray(haystack)) return haystack.some((item) => equal(item, needle));
  if (haystack instanceof Map) return haystack.has(mapKeyOf(needle));
  if (isRecord(haystack)) {
    if (isNil(needle)) return Object.hasOwn(haystack, '');
    if (typeof needle === 'string') return Object.hasOwn(haystack, needle);
    return fail(`reflect.Value.MapIndex: value of type ${goTypeName(needle)} is not assignable to type string`);
  }
  return fail(`operator "in" not defined on ${goTypeName(haystack)}`);
}

/** The int that an index or bound is; throws for anything but numbers. */
export function toIndex(value: unknown): number {
  if (typeof value === 'number') return Math.trunc(value);
  if (isNumber(value)) return Number(isInt(value) ? value : floatToInt(toFloat(value)));
  return fail(`invalid operation: int(${goTypeName(value)})`);
}

function element(length: number, index: unknown, read: (index: number) => unknown): unknown {
  const given = toIndex(index);
  const at = given < 0 ? length + given : given;
  if (at < 0 || at >= length) fail(`index out of range: ${at} (array length is ${length})`);
  return read(at);
}

const shown = (key: unknown): string =>
  typeof key === 'string' || isNumber(key) ? String(isNumber(key) ? toFloat(key) : key) : '';

function fetchFromRecord(from: GoRecord, key: unknown): unknown {
  if (typeof key === 'string') return lookup(from, key) ?? null;
  if (isNil(key)) return lookup(from, '') ?? null;
  return fail(`reflect.Value.MapIndex: value of type ${goTypeName(key)} is not assignable to type string`);
}

function fetchByte(from: string, key: unknown): unknown {
  if (isAscii(from)) return element(from.length, key, (at) => from.charCodeAt(at));
  const bytes = utf8Encode(from);
  return element(bytes.length, key, (at) => bytes[at] ?? 0);
}

function fetchMethod(from: unknown, key: unknown): unknown {
  if (typeof key === 'string' && (from instanceof GoTime || from instanceof GoDuration)) {
    const method = timeMethod(from, key);
    if (method) return new GoFunction(key, method);
  }
  return fail(`cannot fetch ${shown(key)} from ${goTypeName(from)}`);
}

/** `from.key` and `from[key]`. */
export function fetch(from: unknown, key: unknown): unknown {
  if (isNil(from)) return fail(`cannot fetch ${shown(key)} from <nil>`);
  if (isRecord(from)) return fetchFromRecord(from, key);
  if (isArray(from) || from instanceof Uint8Array) return element(from.length, key, (at) => from[at] ?? null);
  if (typeof from === 'string') return fetchByte(from, key);
  if (from instanceof Map) return (from as Map<unknown, unknown>).get(mapKeyOf(key)) ?? null;
  return fetchMethod(from, key);
}

/** `value[from:to]`; negative bounds count from the end, bounds outside are clamped. */
export function slice(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== 'string' && !isArray(value) && !(value instanceof Uint8Array)) return fail(`cannot slice ${shown(from)}`);
  const length = typeof value === 'string' ? byteLength(value) : value.length;
  const bound = (given: unknown, fallback: number): number => {
    if (given === undefined) return fallback;
    const at = toIndex(given);
    return Math.max(0, at < 0 ? length + at : at);
  };
  const end = Math.min(bound(to, length), length);
  const start = Math.min(bound(from, 0), end);
  return typeof value === 'string' ? byteSlice(value, start, end) : value.slice(start, end);
}

/** The operators on two strings; throws where Go's type assertion panics. */
export function onStrings(operator: string, left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) return false;
  if (typeof left !== 'string' || typeof right !== 'string') {
    const wrong = typeof left !== 'string' ? left : right;
    return fail(`interface conversion: interface {} is ${goTypeName(wrong)}, not string`);
  }
  if (operator === 'contains') return left.includes(right);
  if (operator === 'startsWith') return left.startsWith(right);
  if (operator === 'endsWith') return left.endsWith(right);
  return regexpMatches(right, left);
}

/** A condition's value; throws where Go's type assertion panics. */
export function asBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  return fail(`interface conversion: interface {} is ${isNil(value) ? 'nil' : goTypeName(value)}, not bool`);
}
