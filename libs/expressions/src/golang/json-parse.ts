import { ExpressionError } from '../errors.js';
import { float } from './numbers.js';
import { newRecord } from './values.js';

/** How numbers are read: as float64 (Go's `any`), or as they are written. */
export interface JsonNumbers {
  readonly number: (text: string) => unknown;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

const PLAIN = /[^"\\\u0000-\u001f]*/y;
const MAX_DEPTH = 10_000;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** How encoding/json names a character in an error. */
function quoteCharacter(c: string): string {
  if (c === "'") return "'\\''";
  if (c === '"') return `'"'`;
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) {
    const short: Readonly<Record<string, string>> = {
      '\n': '\\n',
      '\r': '\\r',
      '\t': '\\t',
      '\b': '\\b',
      '\f': '\\f',
      '\v': '\\v',
    };
    return `'${short[c] ?? `\\x${code.toString(16).padStart(2, '0')}`}'`;
  }
  if (c === '\\') return "'\\\\'";
  // Go reports the first byte of a longer character.
  if (code > 0x7f) {
    const first = code < 0x800 ? 0xc0 | (code >> 6) : code < 0x10000 ? 0xe0 | (code >> 12) : 0xf0 | (code >> 18);
    return `'${String.fromCharCode(first)}'`;
  }
  return `'${c}'`;
}

class JsonReader {
  private at = 0;
  private depth = 0;
  private readonly text: string;
  private readonly numbers: JsonNumbers;

  constructor(text: string, numbers: JsonNumbers) {
    this.text = text;
    this.numbers = numbers;
  }

  run(): unknown {
    const value = this.value('looking for beginning of value');
    this.space();
    if (this.at < this.text.length) this.invalid('after top-level value');
    return value;
  }

  private readonly peek = (): string => this.text.charAt(this.at);

  private space(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.peek())) this.at++;
  }

  private invalid(where: string): never {
    if (this.at >= this.text.length) throw new ExpressionError('unexpected end of JSON input', 'parse');
    const c = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0);
    throw new ExpressionError(`invalid character ${quoteCharacter(c)} ${where}`, 'parse');
  }

  private value(where: string): unknown {
    this.space();
    const c = this.peek();
    if (c === '{' || c === '[') return this.nested(c);
    if (c === '"') return this.string();
    if (c === 't') return this.word('true', true);
    if (c === 'f') return this.word('false', false);
    if (c === 'n') return this.word('null', null);
    if (c === '-' || (c >= '0' && c <= '9')) return this.number();
    return this.invalid(where);
  }

  private nested(open: string): unknown {
    if (++this.depth > MAX_DEPTH) throw new ExpressionError('exceeded max depth', 'parse');
    this.at++;
    const value = open === '{' ? this.object() : this.array();
    this.depth--;
    return value;
  }

  private word(word: string, value: unknown): unknown {
    for (let i = 1; i < word.length; i++) {
      this.at++;
      if (this.peek() !== word.charAt(i)) this.invalid(`in literal ${word} (expecting '${word.charAt(i)}')`);
    }
    this.at++;
    return value;
  }

  private number(): unknown {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text)?.[0];
    if (found === undefined) {
      this.at++;
      return this.invalid('in numeric literal');
    }
    this.at += found.length;
    if (this.peek() === '.' && !/[.eE]/.test(found)) {
      this.at++;
      this.invalid('after decimal point in numeric literal');
    }
    if (/[eE]/.test(this.peek()) && !/[eE]/.test(found)) {
      this.at++;
      if (/[+-]/.test(this.peek())) this.at++;
      this.invalid('in exponent of numeric literal');
    }
    return this.numbers.number(found);
  }

  private string(): string {
    this.at++;
    let value = '';
    for (;;) {
      PLAIN.lastIndex = this.at;
      const plain = PLAIN.exec(this.text)?.[0] ?? '';
      value += plain;
      this.at += plain.length;
      const c = this.peek();
      if (c === '"') {
        this.at++;
        return value;
      }
      if (c !== '\\') this.invalid('in string literal');
      this.at++;
      value += this.escape();
    }
  }

  private escape(): string {
    const c = this.peek();
    const simple = ESCAPES[c];
    if (simple !== undefined) {
      this.at++;
      return simple;
    }
    if (c !== 'u') this.invalid('in string escape code');
    this.at++;
    const start = this.at;
    while (this.at < start + 4) {
      if (!/[0-9a-fA-F]/.test(this.peek())) this.invalid('in \\u hexadecimal character escape');
      this.at++;
    }
    return String.fromCharCode(Number.parseInt(this.text.slice(start, this.at), 16));
  }

  private array(): unknown[] {
    const items: unknown[] = [];
    this.space();
    if (this.peek() === ']') {
      this.at++;
      return items;
    }
    for (;;) {
      items.push(this.value('looking for beginning of value'));
      this.space();
      const c = this.peek();
      if (c !== ',' && c !== ']') this.invalid('after array element');
      this.at++;
      if (c === ']') return items;
    }
  }

  private object(): Record<string, unknown> {
    const record = newRecord();
    this.space();
    if (this.peek() === '}') {
      this.at++;
      return record;
    }
    for (;;) {
      this.space();
      if (this.peek() !== '"') this.invalid('looking for beginning of object key string');
      const key = this.string();
      this.space();
      if (this.peek() !== ':') this.invalid('after object key');
      this.at++;
      record[key] = this.value('looking for beginning of value');
      this.space();
      const c = this.peek();
      if (c !== ',' && c !== '}') this.invalid('after object key:value pair');
      this.at++;
      if (c === '}') return record;
    }
  }
}

const AS_FLOAT: JsonNumbers = {
  number: (text) => {
    const value = Number(text);
    if (Number.isFinite(value)) return float(value);
    throw new ExpressionError(`json: cannot unmarshal number ${text} into Go value of type float64`, 'parse');
  },
};

/**
 * Parses JSON as Go's encoding/json does into `any`: numbers are float64, objects have no prototype. Throws
 * ExpressionError with Go's text (`invalid character 'o' looking for beginning of value`).
 */
export const parseGoJson = (text: string, numbers: JsonNumbers = AS_FLOAT): unknown => new JsonReader(text, numbers).run();
