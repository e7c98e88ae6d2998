import { ExpressionError } from '../errors.js';
import { formatFloat } from '../golang/numbers.js';
import { regexpMatches } from '../golang/regexp.js';
import { compareStrings, isArray, isRecord } from '../golang/values.js';

const fail = (message: string): never => {
  throw new ExpressionError(message, 'run');
};

/** Go's `%v` of a govaluate value. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return formatFloat(value);
  if (isArray(value)) return `[${value.map(showValue).join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** How an operator is called in the message about an operand that does not fit it. */
const MISFITS = {
  modifier: (value: unknown, symbol: string) =>
    `Value '${showValue(value)}' cannot be used with the modifier '${symbol}', it is not a number`,
  comparator: (value: unknown, symbol: string) =>
    `Value '${showValue(value)}' cannot be used with the comparator '${symbol}', it is not a number`,
  logical: (value: unknown, symbol: string) =>
    `Value '${showValue(value)}' cannot be used with the logical operator '${symbol}', it is not a bool`,
  ternary: (value: unknown, symbol: string) =>
    `Value '${showValue(value)}' cannot be used with the ternary operator '${symbol}', it is not a bool`,
  prefix: (value: unknown, symbol: string) => `Value '${showValue(value)}' cannot be used with the prefix '${symbol}'`,
} as const;

/** Throws the message about an operand that an operator cannot take. */
export const misfit = (family: keyof typeof MISFITS, value: unknown, symbol: string): never =>
  fail(MISFITS[family](value, symbol));

function deepEqual(left: unknown, right: unknown): boolean {
  if (isArray(left)) return isArray(right) && left.length === right.length && left.every((item, i) => deepEqual(item, right[i]));
  if (isRecord(left) && isRecord(right)) {
    const keys = Object.keys(left);
    return keys.length === Object.keys(right).length && keys.every((key) => deepEqual(left[key], right[key]));
  }
  return (left ?? null) === (right ?? null);
}

function signOf(symbol: string, left: unknown, right: unknown): number {
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right);
  return typeof left === 'number' && typeof right === 'number' ? left - right : misfit('comparator', left, symbol);
}

function matches(symbol: string, left: unknown, right: unknown): boolean {
  if (typeof left !== 'string') return misfit('comparator', left, symbol);
  return typeof right === 'string' ? regexpMatches(right, left) : misfit('comparator', right, symbol);
}

function plus(left: unknown, right: unknown): unknown {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  const joins = typeof left === 'string' || typeof right === 'string';
  return joins ? showValue(left) + showValue(right) : misfit('modifier', left, '+');
}

type NumberOperation = (a: number, b: number) => number;

const onNumbers =
  (symbol: string, operation: NumberOperation) =>
  (left: unknown, right: unknown): number => {
    if (typeof left !== 'number') return misfit('modifier', left, symbol);
    return typeof right === 'number' ? operation(left, right) : misfit('modifier', right, symbol);
  };

const whole = (value: number): bigint => BigInt(Number.isFinite(value) ? Math.trunc(value) : 0);
const bits =
  (operation: (a: bigint, b: bigint) => bigint): NumberOperation =>
  (a, b) =>
    Number(BigInt.asIntN(64, operation(whole(a), whole(b))));
const shift =
  (operation: (a: bigint, b: bigint) => bigint): NumberOperation =>
  (a, b) =>
    b >= 0 && b < 64 ? Number(BigInt.asUintN(64, operation(BigInt.asUintN(64, whole(a)), whole(b)))) : 0;

const NUMBER_OPERATIONS: Readonly<Record<string, NumberOperation>> = {
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
  '&': bits((a, b) => a & b),
  '|': bits((a, b) => a | b),
  '^': bits((a, b) => a ^ b),
  '<<': shift((a, b) => a << b),
  '>>': shift((a, b) => a >> b),
};

/** The operators that need both their operands. */
export const OPERATIONS: Readonly<Record<string, (left: unknown, right: unknown) => unknown>> = {
  ',': (left, right) => (isArray(left) ? [...left, right] : [left, right]),
  '==': deepEqual,
  '!=': (left, right) => !deepEqual(left, right),
  '>': (left, right) => signOf('>', left, right) > 0,
  '>=': (left, right) => signOf('>=', left, right) >= 0,
  '<': (left, right) => signOf('<', left, right) < 0,
  '<=': (left, right) => signOf('<=', left, right) <= 0,
  '=~': (left, right) => matches('=~', left, right),
  '!~': (left, right) => !matches('!~', left, right),
  in: (left, right) => (isArray(right) ? right.includes(left) : misfit('comparator', right, 'in')),
  '+': plus,
  ...Object.fromEntries(Object.entries(NUMBER_OPERATIONS).map(([symbol, operation]) => [symbol, onNumbers(symbol, operation)])),
};

/** The prefix operators. */
export function applyPrefix(symbol: string, value: unknown): unknown {
  if (symbol === '!' && typeof value === 'boolean') return !value;
  if (symbol === '-' && typeof value === 'number') return -value;
  return symbol === '~' && typeof value === 'number' ? Number(~whole(value)) : misfit('prefix', value, symbol);
}
