import { ExpressionError } from '../errors.js';
import { float, floatToInt, isInt, isNumber, parseDecimalInt, parseFloat64, toFloat } from '../golang/numbers.js';
import { GoDuration } from '../golang/time-values.js';
import { goTypeName } from '../golang/values.js';

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

/** expr-lang's `int`: truncates floats, reads decimal strings. */
export function toInt(value: unknown): unknown {
  if (isInt(value)) return value;
  if (isNumber(value)) return floatToInt(toFloat(value));
  if (typeof value === 'string') return parseDecimalInt(value) ?? fail(`invalid operation: int(${value})`);
  if (value instanceof GoDuration) return Number(value.ns);
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
