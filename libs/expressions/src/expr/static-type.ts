import { goTypeName, isArray, isNil } from '../golang/values.js';

/** What the check tells apart; `unknown` is known only when the expression runs, `other` has nothing to offer. */
export type TypeKind =
  'unknown' | 'nil' | 'bool' | 'int' | 'float' | 'string' | 'bytes' | 'time' | 'duration' | 'func' | 'map' | 'array' | 'other';

/** The type of a part of an expression; `name` is how messages call it, `element` what an array holds. */
export interface StaticType {
  readonly kind: TypeKind;
  readonly name: string;
  readonly element?: StaticType;
}

const named = (kind: TypeKind, name: string): StaticType => ({ kind, name });

/** An array; its name is that of Go's `[]any` unless its elements are known to be typed. */
export const arrayOf = (element: StaticType, name = '[]interface {}'): StaticType => ({ kind: 'array', name, element });

export const UNKNOWN = named('unknown', 'unknown');
export const NIL = named('nil', 'unknown');
export const BOOL = named('bool', 'bool');
export const INT = named('int', 'int');
export const FLOAT = named('float', 'float64');
export const STRING = named('string', 'string');
export const BYTES = named('bytes', '[]uint8');
export const TIME = named('time', 'time.Time');
export const DURATION = named('duration', 'time.Duration');
export const LOCATION = named('other', '*time.Location');
export const FUNC = named('func', 'func(...interface {}) (interface {}, error)');
export const MAP = named('map', 'map[string]interface {}');
/** A map whose keys may be of any type. */
export const ANY_MAP = named('map', 'map[interface {}]interface {}');
export const GROUPS = named('map', 'map[interface {}][]interface {}');
export const ANY_ARRAY = arrayOf(UNKNOWN);
export const INTS = arrayOf(INT, '[]int');
export const STRINGS = arrayOf(STRING, '[]string');

const BY_NAME: ReadonlyMap<string, StaticType> = new Map(
  [BOOL, INT, FLOAT, STRING, BYTES, TIME, DURATION, LOCATION, FUNC, MAP, ANY_MAP].map((type) => [type.name, type]),
);

/** The type of a value of the environment; what its elements are is left open. */
export function typeOfValue(value: unknown): StaticType {
  if (isNil(value)) return NIL;
  return isArray(value) ? ANY_ARRAY : (BY_NAME.get(goTypeName(value)) ?? UNKNOWN);
}

/** Whether a map takes keys of this type; other keys than strings only where the map was not made of names. */
export const takesKey = (map: StaticType, key: StaticType): boolean =>
  map.name !== MAP.name || key.kind === 'string' || key.kind === 'unknown';

/** The one type of values of several types; unknown where they differ. */
export function common(left: StaticType, right: StaticType): StaticType {
  if (left === right) return left;
  if (left.kind !== right.kind || left.name !== right.name) return UNKNOWN;
  return left.element && right.element ? arrayOf(common(left.element, right.element), left.name) : left;
}

/** The type of a choice between two values: nil says nothing about it. */
export function either(left: StaticType, right: StaticType): StaticType {
  if (left.kind === 'nil') return right;
  return right.kind === 'nil' ? left : common(left, right);
}
