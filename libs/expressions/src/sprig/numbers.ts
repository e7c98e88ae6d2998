import { float, int } from '../golang/numbers.js';
import { atoi, fail, intAt, sprigFunction, textAt, toDouble, toDoubleValue, toInt64, type SprigCall } from './arguments.js';

const MAX_COUNT = 1_000_000;

const ints = (args: readonly unknown[]): bigint[] => args.map((value) => BigInt(toInt64(value)));
const most = (values: readonly bigint[]): bigint => values.reduce((a, b) => (b > a ? b : a));
const least = (values: readonly bigint[]): bigint => values.reduce((a, b) => (b < a ? b : a));

function divide(operation: (a: bigint, b: bigint) => bigint): SprigCall {
  return (args) => {
    const [a = 0n, b = 0n] = ints(args);
    return b === 0n ? fail('runtime error: integer divide by zero') : int(operation(a, b));
  };
}

/** start, start + step … before stop. */
function range(start: number, stop: number, step: number): number[] {
  if (step === 0 || (stop - start) / step <= 0) return [];
  const count = Math.ceil((stop - start) / step);
  return count > MAX_COUNT ? fail('memory budget exceeded') : Array.from({ length: count }, (_, i) => start + i * step);
}

function sequence(args: readonly unknown[]): string {
  const numbers = args.map(Number);
  const [first = 0, second = 0, third = 0] = numbers;
  if (numbers.length === 0 || numbers.length > 3) return '';
  if (numbers.length === 1) return spaced(1, first, first < 1 ? -1 : 1);
  if (numbers.length === 2) return spaced(first, second, second < first ? -1 : 1);
  return third < first === second < 0 ? spaced(first, third, second) : '';
}

const spaced = (from: number, to: number, step: number): string => range(from, to + Math.sign(step), step).join(' ');

/** A finite float as digits × 10^-scale. */
function decimal(value: number): { digits: bigint; scale: number } {
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(power);
  const digits = BigInt(whole + fraction);
  return scale < 0 ? { digits: digits * 10n ** BigInt(-scale), scale: 0 } : { digits, scale };
}

type Decimal = ReturnType<typeof decimal>;

const toNumber = ({ digits, scale }: Decimal): number => Number(`${digits}e-${scale}`);

function aligned(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

const DECIMAL_OPERATIONS: Readonly<Record<string, (a: Decimal, b: Decimal) => Decimal>> = {
  add: (a, b) => {
    const [x, y, scale] = aligned(a, b);
    return { digits: x + y, scale };
  },
  sub: (a, b) => {
    const [x, y, scale] = aligned(a, b);
    return { digits: x - y, scale };
  },
  mul: (a, b) => ({ digits: a.digits * b.digits, scale: a.scale + b.scale }),
  div: (a, b) => {
    if (b.digits === 0n) return fail('decimal division by 0');
    const [x, y] = aligned(a, b);
    return { digits: (x * 10n ** 17n) / y, scale: 17 };
  },
};

/** Decimal arithmetic without the noise of binary fractions: addf(1.1, 2) is 3.1. */
function decimals(name: string, values: readonly unknown[]): unknown {
  const operation = DECIMAL_OPERATIONS[name];
  const [first = 0, ...rest] = values.map(toDouble);
  if (!operation || ![first, ...rest].every(Number.isFinite)) return fail(`Cannot create a Decimal from ${first}`);
  return float(toNumber(rest.map(decimal).reduce(operation, decimal(first))));
}

function roundTo(value: number, places: number, on: number): number {
  const scale = 10 ** places;
  const scaled = scale * value;
  const whole = Math.trunc(scaled);
  const fraction = Math.abs(scaled - whole);
  return (fraction >= on ? whole + Math.sign(scaled) : whole) / scale;
}

const NUMBERS: Readonly<Record<string, readonly [parameters: string, call: SprigCall]>> = {
  atoi: ['s', (args) => atoi(textAt(args, 0))],
  int: ['a', ([value]) => toInt64(value)],
  int64: ['a', ([value]) => toInt64(value)],
  float64: ['a', ([value]) => toDoubleValue(value)],
  toDecimal: ['a', ([value]) => (/^[0-7]{1,21}$/.test(String(value)) ? int(BigInt(`0o${String(value)}`)) : 0)],
  add: ['a*', (args) => int(ints(args).reduce((a, b) => a + b, 0n))],
  add1: ['a', ([value]) => int(BigInt(toInt64(value)) + 1n)],
  sub: ['aa', (args) => int((ints(args)[0] ?? 0n) - (ints(args)[1] ?? 0n))],
  mul: ['aa*', (args) => int(ints(args).reduce((a, b) => BigInt.asIntN(64, a * b), 1n))],
  div: ['aa', divide((a, b) => a / b)],
  mod: ['aa', divide((a, b) => a % b)],
  max: ['aa*', (args) => int(most(ints(args)))],
  biggest: ['aa*', (args) => int(most(ints(args)))],
  min: ['aa*', (args) => int(least(ints(args)))],
  maxf: ['aa*', (args) => float(args.map(toDouble).reduce((a, b) => Math.max(a, b)))],
  minf: ['aa*', (args) => float(args.map(toDouble).reduce((a, b) => Math.min(a, b)))],
  add1f: ['a', ([value]) => decimals('add', [value, 1])],
  addf: ['a*', (args) => decimals('add', [0, ...args])],
  subf: ['aa*', (args) => decimals('sub', args)],
  mulf: ['aa*', (args) => decimals('mul', args)],
  divf: ['aa*', (args) => decimals('div', args)],
  ceil: ['a', ([value]) => float(Math.ceil(toDouble(value)))],
  floor: ['a', ([value]) => float(Math.floor(toDouble(value)))],
  round: ['aia*', (args) => float(roundTo(toDouble(args[0]), intAt(args, 1), args.length > 2 ? toDouble(args[2]) : 0.5))],
  until: ['i', ([count]) => range(0, Number(count), Number(count) < 0 ? -1 : 1)],
  untilStep: ['iii', (args) => range(intAt(args, 0), intAt(args, 1), intAt(args, 2))],
  seq: ['i*', sequence],
};

export const NUMBER_FUNCTIONS = Object.entries(NUMBERS).map(([name, [parameters, call]]) =>
  sprigFunction(name, parameters, call),
);
