import { reject } from './source-error.js';

/** How an escape spells a code point: what to read behind its letter, and in which base. */
interface CodeForm {
  readonly digits: RegExp;
  readonly base: number;
  /** Whether the letter itself is the first digit. */
  readonly withLetter?: true;
}

const OCTAL: CodeForm = { digits: /[0-3][0-7]{2}/y, base: 8, withLetter: true };
const CODE_FORMS: ReadonlyMap<string, CodeForm> = new Map([
  ['x', { digits: /[0-9a-f]{2}/iy, base: 16 }],
  ['u', { digits: /[0-9a-f]{4}|\{[0-9a-f]{1,8}\}/iy, base: 16 }],
  ['U', { digits: /[0-9a-f]{8}/iy, base: 16 }],
  ...['0', '1', '2', '3'].map((digit) => [digit, OCTAL] as const),
]);

const NAMED: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
]);

const MAX_CODE_POINT = 0x10ffff;
/** What stands for itself between the quotes; a literal may not run over the end of a line. */
const PLAIN: Readonly<Record<string, RegExp>> = { '"': /[^"\\\n]+/y, "'": /[^'\\\n]+/y };

/** A piece of a literal's value, and the offset behind it. */
interface Piece {
  readonly value: string;
  readonly end: number;
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

/** Reads what follows a backslash; `at` is the offset behind it, where a fault is reported. */
function readEscape(source: string, at: number, quote: string): Piece {
  const letter = source.charAt(at);
  const named = letter === quote ? quote : NAMED.get(letter);
  if (named !== undefined) return { value: named, end: at + 1 };
  const form = CODE_FORMS.get(letter);
  const start = form?.withLetter ? at : at + 1;
  const digits = form && matchAt(form.digits, source, start);
  const code = form && digits ? Number.parseInt(digits.replace('{', ''), form.base) : Number.NaN;
  if (digits === undefined || !(code <= MAX_CODE_POINT)) return reject('invalid char escape', at);
  return { value: String.fromCodePoint(code), end: start + digits.length };
}

/** Reads a quoted text from its opening quote on; carriage returns that are not escaped count as line ends. */
export function readQuoted(source: string, start: number): { value: string; end: number } {
  const quote = source.charAt(start);
  const plain = PLAIN[quote] ?? /[^\n]/y;
  let value = '';
  let at = start + 1;
  while (source.charAt(at) !== quote) {
    const text = matchAt(plain, source, at);
    if (text === undefined && source.charAt(at) !== '\\') return reject('literal not terminated', at);
    const piece: Piece =
      text === undefined ? readEscape(source, at + 1, quote) : { value: text.replace(/\r\n?/g, '\n'), end: at + text.length };
    value += piece.value;
    at = piece.end;
  }
  return { value, end: at + 1 };
}
