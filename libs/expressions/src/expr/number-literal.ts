import { goQuote } from '../golang/quote.js';
import { parseFloat64 } from '../golang/numbers.js';

const MAX_INT64 = 2n ** 63n - 1n;

/** A number literal's value, or what is wrong with it. */
export type NumberLiteral =
  | { readonly kind: 'int'; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly error: string };

/** Reads the text of a number token. */
export function readNumberLiteral(text: string): NumberLiteral {
  const digits = text.replaceAll('_', '');
  const lower = digits.toLowerCase();
  if (!lower.startsWith('0x') && /[.e]/.test(lower)) {
    const value = parseFloat64(digits);
    const error = `invalid float literal: strconv.ParseFloat: parsing ${goQuote(digits)}: value out of range`;
    return value === undefined ? { error } : { kind: 'float', value };
  }
  if (/^0[xob]$/.test(lower)) return { error: `invalid integer literal: ${goQuote(digits)}` };
  const value = BigInt(lower);
  if (value > MAX_INT64) {
    return { error: `invalid integer literal: strconv.ParseInt: parsing ${goQuote(digits)}: value out of range` };
  }
  return { kind: 'int', value: value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value };
}
