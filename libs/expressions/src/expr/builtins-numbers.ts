import { ExpressionError } from '../errors.js';
import { float, int, isInt, isNumber, toFloat, type GoNumber } from '../golang/numbers.js';
import { goTypeName, isArray } from '../golang/values.js';
import { type Builtins } from './builtins.js';
import { toFloat64, toInt } from './conversions.js';
import { compareNumbers } from './comparison.js';
import { negate } from './operators.js';

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

const numberOf = (value: unknown, name: string): GoNumber =>
  isNumber(value) ? value : fail(`invalid argument for ${name} (type ${goTypeName(value)})`);

const numbersOf = (values: readonly unknown[], name: string): GoNumber[] =>
  values.flatMap((value) => (isArray(value) ? numbersOf(value, name) : [numberOf(value, name)]));

/** math.Round: halves away from zero. */
const round = (value: number): number => (value < 0 ? -Math.round(-value) : Math.round(value));

const rounding =
  (name: string, operation: (value: number) => number) =>
  ([value]: readonly unknown[]): unknown => {
    const given = numberOf(value, name);
    return float(isInt(given) ? Number(given) : operation(toFloat(given)));
  };

function pick(name: string, sign: number): (args: readonly unknown[]) => unknown {
  return (args) => {
    const numbers = numbersOf(args, name);
    return numbers.reduce<GoNumber | null>(
      (best, value) => (best === null || compareNumbers(value, best) * sign > 0 ? value : best),
      null,
    );
  };
}

function mean(args: readonly unknown[]): unknown {
  const numbers = numbersOf(args, 'mean').map(toFloat);
  return float(numbers.length === 0 ? 0 : numbers.reduce((sum, value) => sum + value, 0) / numbers.length);
}

function median(args: readonly unknown[]): unknown {
  const numbers = numbersOf(args, 'median')
    .map(toFloat)
    .sort((a, b) => a - b);
  if (numbers.length === 0) return float(0);
  const middle = Math.floor(numbers.length / 2);
  const upper = numbers[middle] ?? 0;
  return float(numbers.length % 2 === 1 ? upper : ((numbers[middle - 1] ?? 0) + upper) / 2);
}

const bits =
  (operation: (a: bigint, b: bigint) => bigint) =>
  (args: readonly unknown[]): unknown => {
    const [a, b = 0] = args.map((value) => (isInt(value) ? value : fail(`invalid operation: int(${goTypeName(value)})`)));
    return int(operation(BigInt(a ?? 0), BigInt(b)));
  };

function shiftCount(count: bigint): bigint {
  if (count < 0n) return fail(`invalid operation: negative shift count ${count} (type int)`);
  return count > 64n ? 64n : count;
}

export const NUMBER_BUILTINS: Builtins = {
  int: ([value]) => toInt(value),
  float: ([value]) => toFloat64(value),
  abs: ([value]) => (compareNumbers(numberOf(value, 'abs'), 0) < 0 ? negate(value) : value),
  ceil: rounding('ceil', Math.ceil),
  floor: rounding('floor', Math.floor),
  round: rounding('round', round),
  max: pick('max', 1),
  min: pick('min', -1),
  mean,
  median,
  bitand: bits((a, b) => a & b),
  bitor: bits((a, b) => a | b),
  bitxor: bits((a, b) => a ^ b),
  bitnand: bits((a, b) => a & ~b),
  bitshl: bits((a, b) => a << shiftCount(b)),
  bitshr: bits((a, b) => a >> shiftCount(b)),
  bitushr: bits((a, b) => BigInt.asUintN(64, a) >> shiftCount(b)),
  bitnot: bits((a) => ~a),
};
