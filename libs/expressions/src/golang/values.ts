import { Float64, isInt } from './numbers.js';
import { GoDuration, GoLocation, GoTime } from './time-values.js';

/** Gives a function the moment of the run. */
export interface Clock {
  now(): GoTime;
}

/** A callable value of an expression's environment: a method, `asInt`, a sprig function. */
export class GoFunction {
  readonly name: string;
  readonly call: (args: readonly unknown[], clock: Clock) => unknown;

  constructor(name: string, call: (args: readonly unknown[], clock: Clock) => unknown) {
    this.name = name;
    this.call = call;
  }
}

/** Go's map[string]any. */
export type GoRecord = Readonly<Record<string, unknown>>;

export const isNil = (value: unknown): value is null | undefined => value === null || value === undefined;
export const isArray = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Whether the value is a map with string keys (a plain object). */
export function isRecord(value: unknown): value is GoRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** An empty map whose keys cannot collide with JavaScript's own properties. */
export const newRecord = (): Record<string, unknown> => Object.create(null) as Record<string, unknown>;

/** An own property of a map; undefined when absent. */
export const lookup = (record: GoRecord, key: string): unknown => (Object.hasOwn(record, key) ? record[key] : undefined);

/** The name of a value's Go type as `%T` writes it. */
export function goTypeName(value: unknown): string {
  if (isNil(value)) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (isInt(value)) return 'int';
  if (typeof value === 'number' || value instanceof Float64) return 'float64';
  if (isArray(value)) return '[]interface {}';
  if (value instanceof GoTime) return 'time.Time';
  if (value instanceof GoDuration) return 'time.Duration';
  if (value instanceof GoLocation) return '*time.Location';
  if (value instanceof Uint8Array) return '[]uint8';
  if (value instanceof GoFunction) return 'func(...interface {}) (interface {}, error)';
  if (value instanceof Map) return 'map[interface {}]interface {}';
  return 'map[string]interface {}';
}

/** Compares strings by their UTF-8 bytes (equally: by code points), as Go does. */
export function compareStrings(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  if (at === length) return left.length - right.length;
  const a = left.charCodeAt(at);
  const b = right.charCodeAt(at);
  const aSurrogate = a >= 0xd800 && a <= 0xdfff;
  const bSurrogate = b >= 0xd800 && b <= 0xdfff;
  return aSurrogate === bSurrogate ? a - b : aSurrogate ? 1 : -1;
}
