import { LocatedError } from './source-error.js';

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const ESCAPES: readonly { readonly pattern: RegExp; readonly radix: number }[] = [
  { pattern: /x([0-9a-fA-F]{2})/y, radix: 16 },
  { pattern: /u\{([0-9a-fA-F]{1,6})\}/y, radix: 16 },
  { pattern: /u([0-9a-fA-F]{4})/y, radix: 16 },
  { pattern: /U([0-9a-fA-F]{8})/y, radix: 16 },
  { pattern: /([0-3][0-7]{2})/y, radix: 8 },
];

const bad = (at: number): LocatedError => new LocatedError('invalid char escape', at, 'compile');

/** The character behind a backslash at `at - 1`, and where the escape ends. */
function unescape(source: string, at: number, quote: string): { value: string; end: number } {
  const c = source.charAt(at);
  if (c === quote) return { value: quote, end: at + 1 };
  const simple = SIMPLE[c];
  if (simple !== undefined) return { value: simple, end: at + 1 };
  for (const { pattern, radix } of ESCAPES) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (!match) continue;
    const code = Number.parseInt(match[1] ?? '', radix);
    if (code > 0x10ffff) throw bad(at);
    return { value: String.fromCodePoint(code), end: pattern.lastIndex };
  }
  throw bad(at);
}

/** Reads the quoted literal that starts at `start`; `end` is the offset behind the closing quote. */
export function readQuoted(source: string, start: number): { value: string; end: number } {
  const quote = source.charAt(start);
  let value = '';
  let at = start + 1;
  for (;;) {
    const c = source.charAt(at);
    if (c === quote) return { value: value.replace(/\r\n?/g, '\n'), end: at + 1 };
    if (c === '' || c === '\n') throw new LocatedError('literal not terminated', at, 'compile');
    if (c === '\\') {
      const escape = unescape(source, at + 1, quote);
      value += escape.value;
      at = escape.end;
    } else {
      value += c;
      at++;
    }
  }
}
