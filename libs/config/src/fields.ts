import { z } from 'zod';

import { Secret } from './secret.js';
import { parseDurationMs, parseSizeBytes } from './units.js';

/** What a table of variables says about a field. */
export interface FieldFacts {
  /** What the variable does, in one sentence. */
  readonly about: string;
  readonly kind: string;
  /** The default as it would be written in the variable. */
  readonly defaultText?: string;
  readonly required: boolean;
  readonly secret: boolean;
}

/** A field of a configuration schema: reads one variable's text, gives a typed value. */
export type Field<Value> = z.ZodType<Value, string | undefined>;

interface Described {
  readonly about: string;
}

const factsOf = new WeakMap<z.ZodType, FieldFacts>();

/** The facts of a field made by this library; undefined for any other schema. */
export function fieldFacts(field: z.ZodType): FieldFacts | undefined {
  return factsOf.get(field);
}

type Parse<Value> = (text: string) => Value | undefined;

interface FieldKind<Value> {
  readonly kind: string;
  /** Completes "must be …" when a text is refused. */
  readonly expected: string;
  readonly parse: Parse<Value>;
  readonly secret?: boolean;
}

function required<Value>(fieldKind: FieldKind<Value>, about: string): Field<Value> {
  const field = z.string({ error: 'is required' }).transform(parsedBy(fieldKind));
  return described(field, fieldKind, { about, required: true });
}

function optional<Value>(fieldKind: FieldKind<Value>, about: string): Field<Value | undefined> {
  const field = z.string().transform(parsedBy(fieldKind)).optional();
  return described(field, fieldKind, { about, required: false });
}

function defaulted<Value>(fieldKind: FieldKind<Value>, about: string, defaultText: string): Field<Value> {
  const field = z.string().default(defaultText).transform(parsedBy(fieldKind));
  return described(field, fieldKind, { about, required: false, defaultText });
}

function parsedBy<Value>({ parse, expected }: FieldKind<Value>): (text: string, context: z.RefinementCtx) => Value {
  return (text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${expected}` });
    return z.NEVER;
  };
}

function described<Value>(
  field: Field<Value>,
  { kind, secret = false }: FieldKind<never> | FieldKind<Value>,
  facts: Omit<FieldFacts, 'kind' | 'secret'>,
): Field<Value> {
  factsOf.set(field, { ...facts, kind, secret });
  return field;
}

const textKind: FieldKind<string> = { kind: 'text', expected: 'text', parse: (text) => text };
const secretKind: FieldKind<Secret> = { kind: 'text', expected: 'text', parse: (text) => new Secret(text), secret: true };
const durationKind: FieldKind<number> = {
  kind: 'duration',
  expected: 'a duration such as 500ms, 10s or 1h30m',
  parse: parseDurationMs,
};
const sizeKind: FieldKind<number> = { kind: 'size', expected: 'a size such as 512, 64Mi or 1G', parse: parseSizeBytes };
const flagKind: FieldKind<boolean> = {
  kind: 'true or false',
  expected: 'true or false',
  parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
};
const listKind: FieldKind<readonly string[]> = {
  kind: 'comma-separated list',
  expected: 'a comma-separated list',
  parse: (text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
};

/** A text that must be given. */
export const requiredText = ({ about }: Described): Field<string> => required(textKind, about);

/** A text that may be absent (undefined). */
export const optionalText = ({ about }: Described): Field<string | undefined> => optional(textKind, about);

/** A text with a default. */
export const text = ({ about, byDefault }: Described & { byDefault: string }): Field<string> =>
  defaulted(textKind, about, byDefault);

/** A secret that must be given, as the variable or as a file named by the variable with `_FILE`. */
export const requiredSecret = ({ about }: Described): Field<Secret> => required(secretKind, about);

/** A secret that may be absent (undefined); also readable from a file, as requiredSecret. */
export const optionalSecret = ({ about }: Described): Field<Secret | undefined> => optional(secretKind, about);

/** A duration, in milliseconds once parsed; the field's key ends in `Ms`, its variable does not. */
export const duration = ({ about, byDefault }: Described & { byDefault: string }): Field<number> =>
  defaulted(durationKind, about, byDefault);

/** A duration that may be absent (undefined). */
export const optionalDuration = ({ about }: Described): Field<number | undefined> => optional(durationKind, about);

/** A size, in bytes once parsed; the field's key ends in `Bytes`, its variable does not. */
export const size = ({ about, byDefault }: Described & { byDefault: string }): Field<number> =>
  defaulted(sizeKind, about, byDefault);

/** `true` or `false`. */
export const flag = ({ about, byDefault }: Described & { byDefault: boolean }): Field<boolean> =>
  defaulted(flagKind, about, String(byDefault));

/** A comma-separated list; empty where the variable is absent. */
export const list = ({ about, byDefault = '' }: Described & { byDefault?: string }): Field<readonly string[]> =>
  defaulted(listKind, about, byDefault);

interface Range {
  readonly min?: number;
  readonly max?: number;
}

function integerKind({ min = 0, max = Number.MAX_SAFE_INTEGER }: Range): FieldKind<number> {
  const limits = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  return {
    kind: 'whole number',
    expected: `a whole number ${limits}`,
    parse: (written) => {
      const value = /^-?\d+$/.test(written) ? Number(written) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A whole number, at least 0 unless `min` says otherwise. */
export const integer = ({ about, byDefault, ...range }: Described & Range & { byDefault: number }): Field<number> =>
  defaulted(integerKind(range), about, String(byDefault));

/** A whole number that may be absent (undefined). */
export const optionalInteger = ({ about, ...range }: Described & Range): Field<number | undefined> =>
  optional(integerKind(range), about);

/** One of a few words. */
export function oneOf<const Choice extends string>({
  about,
  choices,
  byDefault,
}: Described & { choices: readonly Choice[]; byDefault: NoInfer<Choice> }): Field<Choice> {
  const kind = choices.join(' or ');
  const parse: Parse<Choice> = (written) => choices.find((choice) => choice === written);
  return defaulted({ kind, expected: kind, parse }, about, byDefault);
}
