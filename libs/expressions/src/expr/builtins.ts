import { ExpressionError } from '../errors.js';
import { float, floatToInt, isInt, isNumber, parseDecimalInt, parseFloat64, toFloat } from '../golang/numbers.js';
import { goJson } from '../golang/json.js';
import { goFormatValue } from '../golang/format-value.js';
import { goTypeName, isArray, isRecord } from '../golang/values.js';
import { type Budget } from './budget.js';

type Builtin = (args: readonly unknown[], budget: Budget) => unknown;

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

/** expr-lang's `int`: truncates floats, reads decimal strings. */
export function toInt(value: unknown): unknown {
  if (isInt(value)) return value;
  if (isNumber(value)) return floatToInt(toFloat(value));
  if (typeof value === 'string') return parseDecimalInt(value) ?? fail(`invalid operation: int(${value})`);
  return fail(`invalid operation: int(${goTypeName(value)})`);
}

/** expr-lang's `float`. */
export function toFloat64(value: unknown): unknown {
  if (isNumber(value)) return float(toFloat(value));
  if (typeof value === 'string') {
    const parsed = parseFloat64(value);
    return parsed === undefined ? fail(`invalid operation: float(${value})`) : float(parsed);
  }
  return fail(`invalid operation: float(${goTypeName(value)})`);
}

function length(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof Map) return value.size;
  if (isRecord(value)) return Object.keys(value).length;
  return fail(`invalid argument for len (type ${goTypeName(value)})`);
}

const BUILTIN_FUNCTIONS: Readonly<Record<string, Builtin>> = {
  len: ([value]) => length(value),
  int: ([value]) => toInt(value),
  float: ([value]) => toFloat64(value),
  string: ([value]) => goFormatValue(value),
  toJSON: ([value]) => goJson(value, '  '),
};

/** Calls a builtin without predicate with checked argument counts. */
export function callBuiltin(name: string, args: readonly unknown[], budget: Budget): unknown {
  const builtin = BUILTIN_FUNCTIONS[name];
  if (!builtin) throw new ExpressionError(`unknown builtin ${name}`, 'compile');
  return builtin(args, budget);
}
