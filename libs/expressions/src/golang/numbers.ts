import { ExpressionError } from '../errors.js';

/**
 * Go's numbers in JavaScript: a safe whole `number` is an int, any other `number` a float64, a `bigint` an int beyond
 * 2^53, and `Float64` a float64 whose value happens to be whole. So ints stay fast and `7 / 2 * 2` stays a float.
 */
export class Float64 {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** What `isNumber` accepts. */
export type GoNumber = number | bigint | Float64;

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

const isPlainInt = (value: number): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);

/** Makes a float64 of a JavaScript number. */
export const float = (value: number): number | Float64 => (isPlainInt(value) ? new Float64(value) : value);

/** Makes an int of a bigint, wrapping round at 64 bits as Go does. */
export function int(value: bigint): number | bigint {
  const wrapped = BigInt.asIntN(64, value);
  return wrapped >= -9007199254740991n && wrapped <= 9007199254740991n ? Number(wrapped) : wrapped;
}

export const isInt = (value: unknown): value is number | bigint =>
  typeof value === 'bigint' || (typeof value === 'number' && isPlainInt(value));
export const isNumber = (value: unknown): value is GoNumber =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof Float64;

/** The numeric value as a float64. */
export const toFloat = (value: GoNumber): number => (value instanceof Float64 ? value.value : Number(value));

/** The truncated value as a 64-bit int; NaN and out-of-range values give the smallest int, as on amd64. */
export function floatToInt(value: number): number | bigint {
  if (Number.isSafeInteger(value)) return value + 0;
  if (!Number.isFinite(value)) return MIN_INT64;
  const whole = BigInt(Math.trunc(value));
  if (whole > MAX_INT64 || whole < MIN_INT64) return MIN_INT64;
  return int(whole);
}

/** Parses a decimal int as strconv.Atoi does (sign allowed, no spaces); undefined where Go reports an error. */
export function parseDecimalInt(text: string): number | bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text) || text.length > 400) return undefined;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value > MAX_INT64 || value < MIN_INT64 ? undefined : int(value);
}

const FLOAT = /^[+-]?(?:[0-9](?:_?[0-9])*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?[0-9]+)$/;

/** Parses a float as strconv.ParseFloat(text, 64) does; undefined where Go reports an error (overflow included). */
export function parseFloat64(text: string): number | undefined {
  if (FLOAT.test(text) && !text.includes('_')) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const word = text.toLowerCase().replace(/^[+-]/, '');
  if (word === 'inf' || word === 'infinity') return text.startsWith('-') ? -Infinity : Infinity;
  if (text.toLowerCase() === 'nan') return NaN;
  const hex = HEX_FLOAT.exec(text);
  if (!hex || (hex[2] === '' && !hex[3])) return undefined;
  const fraction = hex[3] ?? '';
  const mantissa = Number(BigInt(`0x0${hex[2] ?? ''}${fraction}`));
  const value = mantissa * 2 ** (Number(hex[4]) - 4 * fraction.length) * (hex[1] === '-' ? -1 : 1);
  return Number.isFinite(value) ? value : undefined;
}

/** The shortest digits and exponent of a finite positive number: 0.d1d2d3 × 10^exponent. */
function decimalParts(value: number): { digits: string; exponent: number } {
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(power) };
}

/** Formats a float64 as strconv.FormatFloat(value, 'f', -1, 64). */
export function formatFloatPlain(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const { digits, exponent } = decimalParts(Math.abs(value));
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const rest = digits.slice(exponent + 1);
  return sign + whole + (rest === '' ? '' : `.${rest}`);
}

/** Formats a float64 in exponent form as strconv.FormatFloat(value, 'e', -1, 64): at least two exponent digits. */
function formatFloatExponent(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const { digits, exponent } = decimalParts(Math.abs(value));
  const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  const power = String(Math.abs(exponent)).padStart(2, '0');
  return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${power}`;
}

const formatSpecial = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf');

/** Formats a float64 as fmt's `%v` does: the exponent form below 1e-4 and from 1e6 on. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value) || value === 0) return value === 0 ? formatFloatPlain(value) : formatSpecial(value);
  const { exponent } = decimalParts(Math.abs(value));
  return exponent < -4 || exponent >= 6 ? formatFloatExponent(value) : formatFloatPlain(value);
}

/** Formats a float64 as encoding/json does; NaN and infinities cannot be written and throw. */
export function formatJsonFloat(value: number): string {
  if (!Number.isFinite(value)) throw new ExpressionError(`json: unsupported value: ${formatSpecial(value)}`, 'format');
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-6 && size < 1e21)) return formatFloatPlain(value);
  return formatFloatExponent(value).replace(/e-0(\d)$/, 'e-$1');
}
