import { isFloat, isInt } from '../golang/numbers.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { GoFunction, goTypeName, isArray, isNil, isRecord } from '../golang/values.js';

export type TypeKind =
  'unknown' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'array' | 'map' | 'bytes' | 'time' | 'duration' | 'func' | 'other';

/** What is known of a value before the expression runs; `name` is how Go prints the type. */
export interface StaticType {
  readonly kind: TypeKind;
  readonly name: string;
  /** Of arrays. */
  readonly element?: StaticType;
}

const simple = (kind: TypeKind, name: string): StaticType => ({ kind, name });

export const UNKNOWN = simple('unknown', 'unknown');
export const NIL = simple('nil', 'unknown');
export const BOOL = simple('bool', 'bool');
export const INT = simple('int', 'int');
export const FLOAT = simple('float', 'float64');
export const STRING = simple('string', 'string');
export const BYTES = simple('bytes', '[]uint8');
export const TIME = simple('time', 'time.Time');
export const DURATION = simple('duration', 'time.Duration');
export const FUNC = simple('func', 'func(...interface {}) (interface {}, error)');
export const MAP = simple('map', 'map[string]interface {}');

/** An array type; only arrays that a builtin makes have a Go name other than `[]interface {}`. */
export const arrayOf = (element: StaticType, name = '[]interface {}'): StaticType => ({ kind: 'array', name, element });
export const ANY_ARRAY = arrayOf(UNKNOWN);

/** The type of a variable's value. */
export function typeOfValue(value: unknown): StaticType {
  if (isNil(value)) return NIL;
  if (typeof value === 'string') return STRING;
  if (typeof value === 'boolean') return BOOL;
  if (isInt(value)) return INT;
  if (isFloat(value)) return FLOAT;
  if (isArray(value)) return ANY_ARRAY;
  if (value instanceof GoTime) return TIME;
  if (value instanceof GoDuration) return DURATION;
  if (value instanceof GoFunction) return FUNC;
  if (value instanceof Uint8Array) return BYTES;
  return isRecord(value) ? MAP : simple('other', goTypeName(value));
}

export const isNumeric = (type: StaticType): boolean => type.kind === 'int' || type.kind === 'float';

/** Whether two values of these types may be compared with `==`. */
export function areComparable(left: StaticType, right: StaticType): boolean {
  if (left.kind === 'unknown' || right.kind === 'unknown' || left.kind === 'nil' || right.kind === 'nil') return true;
  return left.kind === right.kind || (isNumeric(left) && isNumeric(right));
}
