/**
 * The vocabulary in which language.ts describes Argo's objects. A schema says for each field which values it takes and whether this version
 * runs it; the decoder (decoder.ts) is the only interpreter.
 */

/**
 * `runs`: has its effect. `placed`: only says where or under which name a pod runs, or how large it may be; accepted with a warning
 * where the runtime may not honour it. `later`: part of Argo's language that is refused by name.
 */
type Support = 'runs' | 'placed' | 'later';

export type FieldType =
  | { kind: 'text' | 'integer' | 'boolean' | 'integerOrText' | 'anyText' | 'time' | 'anything' | 'object' }
  | { kind: 'list'; of: FieldType }
  | { kind: 'map'; of: FieldType }
  /** A named object of the schema; by name, as templates contain templates. */
  | { kind: 'ref'; schema: string };

export interface Field {
  type: FieldType;
  support: Support;
}
export type ObjectSchema = Readonly<Record<string, FieldType | Field>>;

/** A string. */
export const text: FieldType = { kind: 'text' };
/** A whole number. */
export const integer: FieldType = { kind: 'integer' };
/** true or false. */
export const boolean: FieldType = { kind: 'boolean' };
/** Kubernetes' IntOrString. */
export const integerOrText: FieldType = { kind: 'integerOrText' };
/** Argo's AnyString: numbers and booleans become text. */
export const anyText: FieldType = { kind: 'anyText' };
/** RFC 3339. */
export const time: FieldType = { kind: 'time' };
/** Any JSON value. */
export const anything: FieldType = { kind: 'anything' };
/** An object of Kubernetes that is carried as it is written. */
export const kubernetes: FieldType = { kind: 'object' };

export const list = (of: FieldType): FieldType => ({ kind: 'list', of });
export const map = (of: FieldType): FieldType => ({ kind: 'map', of });
export const ref = (schema: string): FieldType => ({ kind: 'ref', schema });

export const placed = (type: FieldType): Field => ({ type, support: 'placed' });
export const later = (type: FieldType): Field => ({ type, support: 'later' });

/** Gives every entry its support: a bare type runs. */
export const fieldOf = (entry: FieldType | Field): Field => ('support' in entry ? entry : { type: entry, support: 'runs' });
