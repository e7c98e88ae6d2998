import {
  Float64,
  formatRfc3339,
  goFormatValue,
  goJson,
  GoDuration,
  GoTime,
  parseDuration,
  parseRfc3339,
} from '#libs/expressions';

/** A value with what Go prints of it (`fmt`) and what it is in JSON; `value` marks what plain JSON cannot tell apart. */
export interface TypedValue {
  value: unknown;
  fmt: string;
  json?: string;
}

const floatOf = (text: string): Float64 => new Float64(text === 'NaN' ? NaN : Number(text.replace(/^([+-]?)Inf$/, '$1Infinity')));

const intOf = (text: string): number | bigint => {
  const value = BigInt(text);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
};

const MARKS: Readonly<Record<string, (text: string) => unknown>> = {
  $int: intOf,
  $int64: intOf,
  $float: floatOf,
  $time: parseRfc3339,
  $dur: parseDuration,
  $bytes: (text) => new Uint8Array(Buffer.from(text, 'base64')),
};

/**
 * Values from JSON in which a number without a fraction is an int, and `{"$int64":"5"}`, `{"$float":"1"}`, `{"$time":…}`,
 * `{"$dur":"90m"}`, `{"$bytes":…}` stand for what JSON has not. Throws ExpressionError for a mark that cannot be read.
 */
export const valueFromMarked = (marked: unknown): unknown => {
  if (Array.isArray(marked)) return marked.map(valueFromMarked);
  if (typeof marked !== 'object' || marked === null) return marked;
  const entries = Object.entries(marked);
  const [first] = entries;
  const read = entries.length === 1 && first !== undefined ? MARKS[first[0]] : undefined;
  if (read && first) return read(String(first[1]));
  return Object.fromEntries(entries.map(([key, item]) => [key, valueFromMarked(item)]));
};

const markedFloat = (value: number): unknown =>
  Number.isFinite(value) && !Number.isInteger(value) ? value : { $float: goFormatValue(new Float64(value)) };

const markedScalar = (value: object): unknown => {
  if (value instanceof Float64) return markedFloat(value.value);
  if (value instanceof GoTime) return { $time: formatRfc3339(value) };
  if (value instanceof GoDuration) return { $dur: goFormatValue(value) };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  return undefined;
};

/** The inverse of `valueFromMarked`. */
export const markedFromValue = (value: unknown): unknown => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint') return { $int: String(value) };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : markedFloat(value);
  if (Array.isArray(value)) return value.map(markedFromValue);
  if (typeof value !== 'object') return value;
  const scalar = markedScalar(value);
  if (scalar !== undefined) return scalar;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [goFormatValue(key), markedFromValue(item)]));
};

const jsonOf = (value: unknown): { json?: string } => {
  try {
    return { json: goJson(value) };
  } catch {
    // Go marshals no NaN, no infinity, no function.
    return {};
  }
};

/** How the value is shown and compared. */
export const typedValue = (value: unknown): TypedValue => ({
  value: markedFromValue(value),
  fmt: goFormatValue(value),
  ...jsonOf(value),
});

/** govaluate knows numbers as float64 only. */
export const floatsOnly = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isInteger(value) ? new Float64(value) : value;
  return Array.isArray(value) ? value.map(floatsOnly) : value;
};
