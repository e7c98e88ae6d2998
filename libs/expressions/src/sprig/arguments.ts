import { ExpressionError } from '../errors.js';
import { goFormatValue } from '../golang/format-value.js';
import { float, floatToInt, int, isInt, isNumber, parseDecimalInt, parseFloat64, toFloat } from '../golang/numbers.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { utf8Decode } from '../golang/utf8.js';
import { goTypeName, GoFunction, isArray, isNil, isRecord, type Clock, type GoRecord } from '../golang/values.js';

export type SprigCall = (args: readonly unknown[], clock: Clock) => unknown;

export const fail = (message: string): never => {
  throw new ExpressionError(message);
};

/** Go's reflection refuses a value of another type. */
const misfit = (value: unknown, type: string): never => fail(`reflect: Call using ${goTypeName(value)} as type ${type}`);

/** One parameter letter: what it takes, and the zero value that nil stands for. */
const PARAMETERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  a: (value) => value ?? null,
  s: (value) => (typeof value === 'string' ? value : isNil(value) ? '' : misfit(value, 'string')),
  i: (value) => (isInt(value) ? Number(value) : isNil(value) ? 0 : misfit(value, 'int')),
  b: (value) => (typeof value === 'boolean' ? value : isNil(value) ? false : misfit(value, 'bool')),
  d: (value) => (isRecord(value) ? value : isNil(value) ? {} : misfit(value, 'map[string]interface {}')),
  t: (value) => (value instanceof GoTime ? value : isNil(value) ? ZERO_TIME : misfit(value, 'time.Time')),
};

/** Go's zero time, the first moment of year 1. */
export const ZERO_TIME = new GoTime(-62_135_596_800_000_000_000n);

/**
 * Makes a function that checks its arguments as Go's reflection does: a letter per parameter (a any, s string, i int,
 * b bool, d map, t time), the last one repeated when `*` follows.
 */
export function sprigFunction(name: string, parameters: string, call: SprigCall): GoFunction {
  const variadic = parameters.endsWith('*');
  const letters = variadic ? parameters.slice(0, -1) : parameters;
  const least = variadic ? letters.length - 1 : letters.length;
  return new GoFunction(name, (args, clock) => {
    if (args.length < least) fail('reflect: Call with too few input arguments');
    if (!variadic && args.length > least) fail('reflect: Call with too many input arguments');
    const values = args.map((value, i) => PARAMETERS[letters.charAt(Math.min(i, letters.length - 1))]?.(value));
    return call(values, clock);
  });
}

/** What sprig makes a string of: bytes as text, everything else as `%v`. */
export function toText(value: unknown): string {
  return value instanceof Uint8Array ? utf8Decode(value) : goFormatValue(value);
}

/** An argument checked by its letter, as the type it now has. */
export const textAt = (args: readonly unknown[], index: number): string => args[index] as string;
export const intAt = (args: readonly unknown[], index: number): number => Number(args[index] ?? 0);
export const recordAt = (args: readonly unknown[], index: number): GoRecord => args[index] as GoRecord;

const INTEGER = /^[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/;

function parseInteger(text: string): number | bigint {
  const whole = text.replace(/^([+-]?\d+)\.\d*$/, '$1');
  if (!INTEGER.test(whole)) return 0;
  const digits = whole.replace(/^[+-]/, '').replace(/^0[oO]?(?=[0-7])/, '0o');
  const value = BigInt(digits) * (whole.startsWith('-') ? -1n : 1n);
  return BigInt.asIntN(64, value) === value ? int(value) : 0;
}

/** Any value as a 64-bit int; what cannot be converted is 0. */
export function toInt64(value: unknown): number | bigint {
  if (isInt(value)) return value;
  if (isNumber(value)) return floatToInt(toFloat(value));
  if (typeof value === 'string') return parseInteger(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof GoDuration ? int(value.ns) : 0;
}

/** Any value as a float64; what cannot be converted is 0. */
export function toDouble(value: unknown): number {
  if (isNumber(value)) return toFloat(value);
  if (typeof value === 'string') return parseFloat64(value) ?? 0;
  return value === true ? 1 : 0;
}

export const toDoubleValue = (value: unknown): unknown => float(toDouble(value));
export const atoi = (text: string): number | bigint => parseDecimalInt(text) ?? 0;

/** Whether sprig calls a value empty: nil, zero, false, or without elements. */
export function isEmpty(value: unknown): boolean {
  if (isNil(value) || value === '' || value === false) return true;
  if (isNumber(value)) return toFloat(value) === 0;
  if (isArray(value) || value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return isRecord(value) && Object.keys(value).length === 0;
}

/** A list argument; Go strings and maps are refused. */
export function listOf(value: unknown, what: string): readonly unknown[] {
  if (isArray(value)) return value;
  return fail(`Cannot ${what} on type ${kindOf(value)}`);
}

/** The name of a value's Go kind. */
export function kindOf(value: unknown): string {
  if (isNil(value)) return 'invalid';
  if (isArray(value) || value instanceof Uint8Array) return 'slice';
  if (isRecord(value) || value instanceof Map) return 'map';
  if (value instanceof GoTime) return 'struct';
  if (value instanceof GoDuration) return 'int64';
  return value instanceof GoFunction ? 'func' : goTypeName(value);
}
