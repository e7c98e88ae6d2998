import { ExpressionError } from '../errors.js';
import { goQuote } from './quote.js';
import { GoDuration } from './time-values.js';
import { utf8Encode } from './utf8.js';

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const MAX = 2n ** 63n;

/** The quoting of the time package's errors: every byte above ASCII as `\x..`. */
const quoteBytes = (text: string): string =>
  `"${[...utf8Encode(text)]
    .map((byte) => (byte > 127 ? `\\x${byte.toString(16)}` : goQuote(String.fromCharCode(byte)).slice(1, -1)))
    .join('')}"`;

const fail = (what: string, text: string): never => {
  throw new ExpressionError(`time: ${what}duration ${quoteBytes(text)}`, 'parse');
};

/** Nanoseconds of one number with its unit. */
function partOf(number: string, unit: string, text: string): bigint {
  const [whole = '', fraction = ''] = number.split('.');
  if (whole === '' && fraction === '') fail('invalid ', text);
  const value = BigInt(whole === '' ? '0' : whole);
  if (value > MAX) fail('invalid ', text);
  if (unit === '') fail('missing unit in ', text);
  const scale = UNITS.get(unit) ?? fail(`unknown unit ${quoteBytes(unit)} in `, text);
  const digits = fraction.slice(0, 18);
  return value * scale + (digits === '' ? 0n : (BigInt(digits) * scale) / 10n ** BigInt(digits.length));
}

/** Parses a Go duration (`1h30m`, `-1.5s`); throws ExpressionError with Go's text. */
export function parseDuration(text: string): GoDuration {
  const negative = text.startsWith('-');
  const size = text.replace(/^[+-]/, '');
  if (size === '0') return new GoDuration(0n);
  if (size === '') return fail('invalid ', text);
  let total = 0n;
  for (let at = 0; at < size.length;) {
    const [whole = '', number = '', unit = ''] = /^(\d*(?:\.\d*)?)([^.\d]*)/.exec(size.slice(at)) ?? [];
    total += partOf(number, unit, text);
    if (total > MAX) fail('invalid ', text);
    at += whole.length;
  }
  if (total === MAX && !negative) fail('invalid ', text);
  return new GoDuration(negative ? -total : total);
}

/** Parses a duration where Argo also takes a bare integer for seconds. */
export function parseArgoDuration(text: string): GoDuration {
  const seconds = /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  if (seconds === undefined || seconds >= MAX || seconds < -MAX) return parseDuration(text);
  return new GoDuration(seconds * 1_000_000_000n);
}

const trimFraction = (value: bigint, unit: bigint): string => {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return String(value / unit) + (fraction === '' ? '' : `.${fraction}`);
};

/** Formats a duration as Go's String method (`1h0m0s`, `1.5s`, `100ms`). */
export function formatDuration(duration: GoDuration): string {
  const { ns } = duration;
  if (ns === 0n) return '0s';
  const sign = ns < 0n ? '-' : '';
  const size = ns < 0n ? -ns : ns;
  if (size < 1000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${trimFraction(size, 1000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${trimFraction(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = trimFraction(size % 60_000_000_000n, 1_000_000_000n);
  if (minutes === 0n) return `${sign}${seconds}s`;
  return minutes < 60n ? `${sign}${minutes}m${seconds}s` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}s`;
}

/** Rounds a duration half away from zero to a multiple of `unit`. */
export function roundDuration(duration: GoDuration, unit: GoDuration): GoDuration {
  if (unit.ns <= 0n) return duration;
  const half = unit.ns / 2n;
  const size = duration.ns < 0n ? -duration.ns : duration.ns;
  const rounded = ((size + half) / unit.ns) * unit.ns;
  if (rounded >= MAX) return new GoDuration(duration.ns < 0n ? -MAX : MAX - 1n);
  return new GoDuration(duration.ns < 0n ? -rounded : rounded);
}
