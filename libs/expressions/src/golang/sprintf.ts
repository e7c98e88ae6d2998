import { goFormatValue } from './format-value.js';
import { formatFloat, isInt, isNumber, toFloat } from './numbers.js';
import { goQuote } from './quote.js';
import { goTypeName } from './values.js';

const VERB = /%[-+# 0]*\d*(?:\.\d*)?[a-zA-Z%!]?/g;
const DIRECTIVE = /^%([-+# 0]*)(\d+)?(?:\.(\d*))?([a-zA-Z%!]?)$/;
const MAX_WIDTH = 1_000_000;

interface Directive {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly verb: string;
}

const RADIX: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const MARKS: Readonly<Record<string, string>> = { x: '0x', X: '0X', o: '0', O: '0o', b: '0b' };

/** `%!d(string=x)`: how Go shows a verb that does not fit its argument. */
const misfit = (verb: string, value: unknown): string =>
  value === null || value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${goTypeName(value)}=${goFormatValue(value)})`;

function pad(text: string, { flags, width }: Directive): string {
  const missing = Math.min(width, MAX_WIDTH) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

const signed = (text: string, flags: string): string => {
  if (text.startsWith('-')) return text;
  return flags.includes('+') ? `+${text}` : flags.includes(' ') ? ` ${text}` : text;
};

function formatInt(value: bigint, { flags, verb, precision }: Directive): string {
  const size = value < 0n ? -value : value;
  const digits = size.toString(RADIX[verb] ?? 10).padStart(Math.min(precision ?? 0, MAX_WIDTH), '0');
  const cased = verb === 'X' ? digits.toUpperCase() : digits;
  const mark = flags.includes('#') || verb === 'O' ? (MARKS[verb] ?? '') : '';
  return signed(`${value < 0n ? '-' : ''}${mark}${cased}`, flags);
}

function formatDouble(value: number, { flags, verb, precision }: Directive): string {
  const places = Math.min(precision ?? 6, 100);
  if (verb === 'f' || verb === 'F') return signed(value.toFixed(places), flags);
  if (verb === 'e') return signed(value.toExponential(places).replace(/e([+-])(\d)$/, 'e$10$2'), flags);
  return signed(precision === undefined ? formatFloat(value) : String(Number(value.toPrecision(Math.max(1, places)))), flags);
}

function formatText(value: string, { verb, precision }: Directive): string {
  const cut = precision === undefined ? value : [...value].slice(0, precision).join('');
  return verb === 'q' ? goQuote(cut) : cut;
}

function format(directive: Directive, value: unknown): string {
  const { verb } = directive;
  if (verb === 'v') return pad(goFormatValue(value), directive);
  if (verb === 'T') return pad(goTypeName(value), directive);
  if (isInt(value)) {
    if (verb in RADIX) return pad(formatInt(BigInt(value), directive), directive);
    if (verb === 'c') return pad(String.fromCodePoint(Math.min(Math.max(0, Number(value)), 0x10ffff)), directive);
    return verb === 'q' ? pad(`'${String.fromCodePoint(Number(value))}'`, directive) : misfit(verb, value);
  }
  if (isNumber(value))
    return 'fFeg'.includes(verb) ? pad(formatDouble(toFloat(value), directive), directive) : misfit(verb, value);
  if (typeof value === 'boolean') return verb === 't' ? pad(String(value), directive) : misfit(verb, value);
  if (typeof value === 'string')
    return verb === 's' || verb === 'q' ? pad(formatText(value, directive), directive) : misfit(verb, value);
  return verb === 's' ? pad(goFormatValue(value), directive) : misfit(verb, value);
}

function parseDirective(text: string): Directive {
  const [, flags = '', width, precision, verb = ''] = DIRECTIVE.exec(text) ?? [];
  return {
    flags,
    verb,
    width: Number(width ?? 0),
    precision: precision === undefined ? undefined : Number(precision),
  };
}

/**
 * Formats as Go's fmt.Sprintf: `withSequence.format` and output templates use it. Verbs that do not fit, missing and
 * surplus arguments show up in the text as Go shows them (`%!d(string=x)`, `%!d(MISSING)`, `%!(EXTRA int=1)`).
 */
export function goSprintf(template: string, ...args: readonly unknown[]): string {
  let used = 0;
  const text = template.replace(VERB, (directive: string) => {
    const parsed = parseDirective(directive);
    if (parsed.verb === '%') return '%';
    if (parsed.verb === '') return '%!(NOVERB)';
    return used < args.length ? format(parsed, args[used++]) : `%!${parsed.verb}(MISSING)`;
  });
  const surplus = args.slice(used).map((value) => `${goTypeName(value)}=${goFormatValue(value)}`);
  return surplus.length === 0 ? text : `${text}%!(EXTRA ${surplus.join(', ')})`;
}
