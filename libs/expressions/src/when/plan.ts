import { ExpressionError } from '../errors.js';
import { formatFloat } from '../golang/numbers.js';
import { regexpMatches } from '../golang/regexp.js';
import { compareStrings, isRecord } from '../golang/values.js';
import { type WhenToken } from './lexer.js';

/** The value of a named parameter; undefined when there is none. */
export type Parameters = (name: string) => unknown;

/** Go's `%v` of a govaluate value. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'number') return formatFloat(value);
  if (Array.isArray(value)) return `[${value.map(showValue).join(' ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

type Stage = (parameters: Parameters) => unknown;

const BITWISE = new Set(['&', '|', '^']);
const LEVELS: readonly { readonly kind: WhenToken['kind']; readonly symbols: ReadonlySet<string> }[] = [
  { kind: 'SEPARATOR', symbols: new Set([',']) },
  { kind: 'TERNARY', symbols: new Set(['?', ':', '??']) },
  { kind: 'LOGICALOP', symbols: new Set(['||']) },
  { kind: 'LOGICALOP', symbols: new Set(['&&']) },
  { kind: 'COMPARATOR', symbols: new Set(['==', '!=', '>', '>=', '<', '<=', '=~', '!~', 'in']) },
  { kind: 'MODIFIER', symbols: BITWISE },
  { kind: 'MODIFIER', symbols: new Set(['<<', '>>']) },
  { kind: 'MODIFIER', symbols: new Set(['+', '-']) },
  { kind: 'MODIFIER', symbols: new Set(['*', '/', '%']) },
  { kind: 'MODIFIER', symbols: new Set(['**']) },
];
const MAX_DEPTH = 500;

const fail = (message: string): never => {
  throw new ExpressionError(message, 'run');
};

/** Operators of one level group to the left, as govaluate's reordering achieves. */
class Planner {
  private readonly tokens: readonly WhenToken[];
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly WhenToken[]) {
    this.tokens = tokens;
  }

  plan(level = 0): Stage {
    const rule = LEVELS[level];
    if (!rule) return this.value();
    let left = this.plan(level + 1);
    for (;;) {
      const token = this.tokens[this.at];
      if (token?.kind !== rule.kind || !rule.symbols.has(String(token.value))) return left;
      this.at++;
      left = binary(String(token.value), left, this.plan(level + 1));
    }
  }

  private value(): Stage {
    const token = this.tokens[this.at];
    if (!token) return () => null;
    if (++this.depth > MAX_DEPTH) fail('expression is nested too deeply');
    try {
      return this.operand(token);
    } finally {
      this.depth--;
    }
  }

  private operand(token: WhenToken): Stage {
    const { kind, value } = token;
    if (kind === 'CLAUSE_CLOSE') return () => null;
    this.at++;
    if (kind === 'CLAUSE') {
      const inner = this.plan();
      this.at++;
      return inner;
    }
    if (kind === 'PREFIX') return prefix(String(value), this.value());
    if (kind === 'VARIABLE') return (parameters) => readParameter(parameters, String(value));
    return () => value;
  }
}

function readParameter(parameters: Parameters, name: string): unknown {
  const value = parameters(name);
  return value === undefined ? fail(`No parameter '${name}' found.`) : value;
}

function prefix(symbol: string, operand: Stage): Stage {
  return (parameters) => {
    const value = operand(parameters);
    if (symbol === '!' && typeof value === 'boolean') return !value;
    if (symbol === '-' && typeof value === 'number') return -value;
    if (symbol === '~' && typeof value === 'number') return Number(~BigInt(Math.trunc(value)));
    return fail(`Value '${showValue(value)}' cannot be used with the prefix '${symbol}'`);
  };
}

/** What each operator needs of its operands, and what the error calls it. */
const MODIFIER_ERROR = (value: unknown, symbol: string): never =>
  fail(`Value '${showValue(value)}' cannot be used with the modifier '${symbol}', it is not a number`);
const COMPARATOR_ERROR = (value: unknown, symbol: string): never =>
  fail(`Value '${showValue(value)}' cannot be used with the comparator '${symbol}', it is not a number`);
const LOGICAL_ERROR = (value: unknown, symbol: string): never =>
  fail(`Value '${showValue(value)}' cannot be used with the logical operator '${symbol}', it is not a bool`);
const TERNARY_ERROR = (value: unknown, symbol: string): never =>
  fail(`Value '${showValue(value)}' cannot be used with the ternary operator '${symbol}', it is not a bool`);

function binary(symbol: string, left: Stage, right: Stage): Stage {
  switch (symbol) {
    case '&&':
    case '||':
      return (parameters) => logical(symbol, left(parameters), () => right(parameters));
    case '?':
      return (parameters) => {
        const test = left(parameters);
        if (typeof test !== 'boolean') return TERNARY_ERROR(test, symbol);
        return test ? right(parameters) : null;
      };
    case ':':
    case '??':
      return (parameters) => left(parameters) ?? right(parameters);
    default: {
      return (parameters) => operate(symbol, left(parameters), right(parameters));
    }
  }
}

function logical(symbol: string, left: unknown, right: () => unknown): unknown {
  if (left === (symbol === '||')) return left;
  const other = right();
  if (typeof left !== 'boolean') return LOGICAL_ERROR(left, symbol);
  return typeof other === 'boolean' ? other : LOGICAL_ERROR(other, symbol);
}

function operate(symbol: string, left: unknown, right: unknown): unknown {
  switch (symbol) {
    case ',':
      return Array.isArray(left) ? [...(left as unknown[]), right] : [left, right];
    case '==':
      return deepEqual(left, right);
    case '!=':
      return !deepEqual(left, right);
    case '>':
    case '>=':
    case '<':
    case '<=':
      return order(symbol, left, right);
    case '=~':
    case '!~':
      if (typeof left !== 'string') return COMPARATOR_ERROR(left, symbol);
      if (typeof right !== 'string') return COMPARATOR_ERROR(right, symbol);
      return regexpMatches(right, left) === (symbol === '=~');
    case 'in':
      return Array.isArray(right) ? right.some((item) => item === left) : COMPARATOR_ERROR(right, symbol);
    case '+':
      return plus(left, right);
    default:
      if (typeof left !== 'number') return MODIFIER_ERROR(left, symbol);
      if (typeof right !== 'number') return MODIFIER_ERROR(right, symbol);
      return ARITHMETIC[symbol]?.(left, right);
  }
}

function order(symbol: string, left: unknown, right: unknown): boolean {
  let sign: number;
  if (typeof left === 'string' && typeof right === 'string') sign = compareStrings(left, right);
  else if (typeof left === 'number' && typeof right === 'number') sign = left - right;
  else return COMPARATOR_ERROR(left, symbol);
  if (symbol === '>') return sign > 0;
  if (symbol === '>=') return sign >= 0;
  return symbol === '<' ? sign < 0 : sign <= 0;
}

function plus(left: unknown, right: unknown): unknown {
  if (typeof left === 'number' && typeof right === 'number') return left + right;
  if (typeof left !== 'string' && typeof right !== 'string') return MODIFIER_ERROR(left, '+');
  return showValue(left) + showValue(right);
}

const bits = (operation: (a: bigint, b: bigint) => bigint) => (a: number, b: number) =>
  Number(BigInt.asIntN(64, operation(BigInt(Math.trunc(a)), BigInt(Math.trunc(b)))));
const shift = (operation: (a: bigint, b: bigint) => bigint) => (a: number, b: number) =>
  b < 0 || b >= 64 ? 0 : Number(BigInt.asUintN(64, operation(BigInt.asUintN(64, BigInt(Math.trunc(a))), BigInt(Math.trunc(b)))));

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
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

function deepEqual(left: unknown, right: unknown): boolean {
  if (Array.isArray(left)) {
    return Array.isArray(right) && left.length === right.length && left.every((item, i) => deepEqual(item, right[i]));
  }
  if (isRecord(left)) {
    if (!isRecord(right)) return false;
    const keys = Object.keys(left);
    return keys.length === Object.keys(right).length && keys.every((key) => deepEqual(left[key], right[key]));
  }
  return (left ?? null) === (right ?? null);
}

/** Evaluates checked tokens; throws ExpressionError with govaluate's message. */
export function evaluateTokens(tokens: readonly WhenToken[], parameters: Parameters): unknown {
  return new Planner(tokens).plan()(parameters);
}
