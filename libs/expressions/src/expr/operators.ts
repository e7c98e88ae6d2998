import { ExpressionError } from '../errors.js';
import { float, floatToInt, int, isInt, isNumber, toFloat, type GoNumber } from '../golang/numbers.js';
import { regexpMatches } from '../golang/regexp.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { goTypeName, isNil } from '../golang/values.js';

/** The longest text that an operator or builtin may make, in UTF-16 units. */
export const MAX_STRING_LENGTH = 16_000_000;

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

type BinaryOperation = (left: unknown, right: unknown) => unknown;

/** Operand kinds besides two numbers, and what the operator does to each pair of them. */
type Pairs = Partial<Readonly<Record<string, Partial<Readonly<Record<string, BinaryOperation>>>>>>;

interface Arithmetic {
  readonly symbol: string;
  /** On floats; on ints too as long as its result is a safe integer. */
  readonly plain: (a: number, b: number) => number;
  /** On ints of any size; without it ints are taken as floats. */
  readonly whole?: (a: bigint, b: bigint) => bigint;
  readonly onlyInts?: true;
  readonly pairs?: Pairs;
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (value instanceof GoDuration) return 'duration';
  if (value instanceof GoTime) return 'time';
  return isNumber(value) ? 'number' : '';
}

const unfit = (symbol: string, left: unknown, right: unknown): never =>
  fail(`invalid operation: ${goTypeName(left)} ${symbol} ${goTypeName(right)}`);

function arithmetic({ symbol, plain, whole, onlyInts = undefined, pairs = {} }: Arithmetic): BinaryOperation {
  const ofInts = (left: number | bigint, right: number | bigint, exact: (a: bigint, b: bigint) => bigint): unknown => {
    if (typeof left === 'number' && typeof right === 'number') {
      const quick = plain(left, right);
      if (Number.isSafeInteger(quick)) return quick + 0;
    }
    return int(exact(BigInt(left), BigInt(right)));
  };
  return (left, right) => {
    if (isNumber(left) && isNumber(right)) {
      if (whole && isInt(left) && isInt(right)) return ofInts(left, right, whole);
      return onlyInts ? unfit(symbol, left, right) : float(plain(toFloat(left), toFloat(right)));
    }
    const operation = pairs[kindOf(left)]?.[kindOf(right)];
    return operation ? operation(left, right) : unfit(symbol, left, right);
  };
}

function join(left: unknown, right: unknown): string {
  const joined = (left as string) + (right as string);
  return joined.length > MAX_STRING_LENGTH ? fail('memory budget exceeded') : joined;
}

const moved = (time: unknown, span: unknown, direction: 1n | -1n): GoTime => {
  const { unixNs, zone } = time as GoTime;
  return new GoTime(unixNs + direction * (span as GoDuration).ns, zone);
};

const onSpans =
  (operation: (a: bigint, b: bigint) => bigint): BinaryOperation =>
  (left, right) =>
    new GoDuration(operation((left as GoDuration).ns, (right as GoDuration).ns));

/** A duration as many times as a number says; fractions of a nanosecond are cut off. */
function scaled(span: unknown, factor: unknown): GoDuration {
  const { ns } = span as GoDuration;
  if (isInt(factor)) return new GoDuration(ns * BigInt(factor));
  return new GoDuration(BigInt(floatToInt(Number(ns) * toFloat(factor as GoNumber))));
}

const sum = (a: bigint, b: bigint): bigint => a + b;
const difference = (a: bigint, b: bigint): bigint => a - b;
const product = (a: bigint, b: bigint): bigint => a * b;

/** `+`: numbers, texts, durations, a time and a duration. */
export const add = arithmetic({
  symbol: '+',
  plain: (a, b) => a + b,
  whole: sum,
  pairs: {
    string: { string: join },
    time: { duration: (time, span) => moved(time, span, 1n) },
    duration: { time: (span, time) => moved(time, span, 1n), duration: onSpans(sum) },
  },
});

/** `-`: numbers, durations, a duration from a time, the span between two times. */
export const subtract = arithmetic({
  symbol: '-',
  plain: (a, b) => a - b,
  whole: difference,
  pairs: {
    time: {
      time: (left, right) => new GoDuration((left as GoTime).unixNs - (right as GoTime).unixNs),
      duration: (time, span) => moved(time, span, -1n),
    },
    duration: { duration: onSpans(difference) },
  },
});

/** `*`: numbers, and durations with numbers or durations. */
export const multiply = arithmetic({
  symbol: '*',
  plain: (a, b) => a * b,
  whole: product,
  pairs: {
    duration: { number: scaled, duration: onSpans(product) },
    number: { duration: (factor, span) => scaled(span, factor) },
  },
});

/** `/`: always a float. */
export const divide = arithmetic({ symbol: '/', plain: (a, b) => a / b });

/** `%`: ints only, with the sign of the left one. */
export const modulo = arithmetic({
  symbol: '%',
  plain: (a, b) => a % b,
  whole: (a, b) => (b === 0n ? fail('runtime error: integer divide by zero') : a % b),
  onlyInts: true,
});

/** `**`: always a float; where C and JavaScript disagree (powers of 1 and -1), C's answer. */
export const power = arithmetic({
  symbol: '**',
  plain: (a, b) => (a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : a ** b),
});

/** The sign `-` before a number or duration. */
export function negate(value: unknown): unknown {
  if (isInt(value)) return typeof value === 'number' ? 0 - value : int(-value);
  if (isNumber(value)) return float(-toFloat(value));
  if (value instanceof GoDuration) return new GoDuration(-value.ns);
  return fail(`invalid operation: - ${goTypeName(value)}`);
}

const expected = (wanted: string, value: unknown): never =>
  fail(`interface conversion: interface {} is ${isNil(value) ? 'nil' : goTypeName(value)}, not ${wanted}`);

const TEXT_TESTS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  contains: (text, part) => text.includes(part),
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  matches: (text, pattern) => regexpMatches(pattern, text),
};

/** `contains`, `startsWith`, `endsWith` and `matches`; false where either side is nil. */
export function onStrings(operator: string, left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) return false;
  if (typeof left !== 'string') return expected('string', left);
  if (typeof right !== 'string') return expected('string', right);
  return TEXT_TESTS[operator]?.(left, right) ?? fail(`unknown operator ${operator}`);
}

/** The value as a condition; only bools are conditions. */
export const asBool = (value: unknown): boolean => (typeof value === 'boolean' ? value : expected('bool', value));
