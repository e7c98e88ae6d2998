import { unescapeLiteral } from './literals.js';
import { LocatedError } from './source-error.js';

export type TokenKind = 'Identifier' | 'Number' | 'String' | 'Bytes' | 'Operator' | 'Bracket' | 'EOF';

/** A token; `at` is its UTF-16 offset in the source. */
export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly at: number;
}

const SPACE = /[\s\u0085]/;
const WORD = /[\p{L}\p{Nd}_$]/u;
const LETTER = /[\p{L}_$]/u;
const WORD_OPERATORS = new Set(['in', 'or', 'and', 'matches', 'contains', 'startsWith', 'endsWith', 'let', 'if', 'else']);
const NEGATABLE = new Set(['in', 'matches', 'contains', 'startsWith', 'endsWith']);

export const isValidIdentifier = (text: string): boolean =>
  text !== '' && LETTER.test(String.fromCodePoint(text.codePointAt(0) ?? 0)) && [...text].every((c) => WORD.test(c));

const fail = (message: string, at: number): never => {
  throw new LocatedError(message, at, 'compile');
};

/** expr-lang's lexer: one pass, linear in the length of the source. */
class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private at = 0;

  constructor(source: string) {
    this.source = source;
  }

  run(): Token[] {
    while (this.at < this.source.length) this.step();
    let last = this.source.length - 1;
    if (last > 0 && /[\udc00-\udfff]/.test(this.source.charAt(last))) last--;
    this.emit('EOF', '', Math.max(0, last));
    return this.tokens;
  }

  private emit(kind: TokenKind, value: string, at: number): void {
    this.tokens.push({ kind, value, at });
  }

  private peek(ahead = 0): string {
    const code = this.source.codePointAt(this.at + ahead);
    return code === undefined ? '' : String.fromCodePoint(code);
  }

  private step(): void {
    const c = this.peek();
    const start = this.at;
    const next = this.source.charAt(start + 1);
    if (SPACE.test(c)) this.at++;
    else if (c === "'" || c === '"') this.text(start, 'String');
    else if (c === '`') this.rawText(start);
    else if ((c === 'b' || c === 'B') && (next === "'" || next === '"')) this.text(start + 1, 'Bytes');
    else if (c >= '0' && c <= '9') this.number(start);
    else if (c === '.' && next >= '0' && next <= '9') this.number(start);
    else if (c === '/') this.slash(start);
    else if (c === '#') this.pointer(start);
    else if ('?|:.'.includes(c)) this.doubled(start, c);
    else if ('([{}])'.includes(c)) this.single('Bracket', c);
    else if (',;%+-^'.includes(c)) this.single('Operator', c);
    else if ('&!=*<>'.includes(c)) this.comparison(start);
    else if (WORD.test(c)) this.word(start);
    else fail(`unrecognized character: ${describeRune(c)}`, start);
  }

  private single(kind: TokenKind, value: string): void {
    this.emit(kind, value, this.at);
    this.at++;
  }

  private doubled(start: number, c: string): void {
    const followers = { '?': '.?', '|': '|', ':': ':', '.': '.' }[c] ?? '';
    this.at++;
    const next = this.source.charAt(this.at);
    if (next !== '' && followers.includes(next)) this.at++;
    this.emit('Operator', this.source.slice(start, this.at), start);
  }

  private comparison(start: number): void {
    this.at++;
    const next = this.source.charAt(this.at);
    if (next !== '' && '&=*'.includes(next)) this.at++;
    this.emit('Operator', this.source.slice(start, this.at), start);
  }

  private text(quoteAt: number, kind: 'String' | 'Bytes'): void {
    const { value, end } = unescapeLiteral(this.source, quoteAt, kind === 'Bytes');
    this.emit(kind, value, this.at);
    this.at = end;
  }

  private rawText(start: number): void {
    let at = start + 1;
    for (;;) {
      const close = this.source.indexOf('`', at);
      if (close < 0) fail('literal not terminated', this.source.length);
      if (this.source.charAt(close + 1) !== '`') {
        this.emit('String', this.source.slice(start + 1, close).replaceAll('``', '`'), start);
        this.at = close + 1;
        return;
      }
      at = close + 2;
    }
  }

  private accept(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private number(start: number): void {
    const prefix = this.accept(/0[xXoObB]?/y).toLowerCase();
    const digits = prefix === '0x' ? /[0-9a-fA-F_]*/y : prefix === '0o' ? /[0-7_]*/y : prefix === '0b' ? /[01_]*/y : /[0-9_]*/y;
    this.accept(digits);
    if (this.peek() === '.') {
      if (this.source.charAt(this.at + 1) === '.') {
        this.emit('Number', this.source.slice(start, this.at), start);
        return;
      }
      this.at++;
      this.accept(digits);
    }
    if (this.accept(/[eE]/y) !== '') {
      this.accept(/[+-]?/y);
      this.accept(digits);
    }
    if (this.at < this.source.length && WORD.test(this.peek())) {
      fail(`bad number syntax: ${JSON.stringify(this.source.slice(start, this.at) + this.peek())}`, this.at);
    }
    this.emit('Number', this.source.slice(start, this.at), start);
  }

  private slash(start: number): void {
    const next = this.source.charAt(start + 1);
    if (next === '/') {
      const end = this.source.indexOf('\n', start);
      this.at = end < 0 ? this.source.length : end + 1;
    } else if (next === '*') {
      const end = this.source.indexOf('*/', start + 2);
      if (end < 0) fail('unclosed comment', this.source.length);
      this.at = end + 2;
    } else {
      this.single('Operator', '/');
    }
  }

  private pointer(start: number): void {
    this.at++;
    if (this.source.charAt(this.at) === '#') this.at++;
    this.emit('Operator', this.source.slice(start, this.at), start);
    const name = this.accept(/[\p{L}\p{Nd}_$]*/uy);
    if (name !== '') this.emit('Identifier', name, this.at - name.length);
  }

  private word(start: number): void {
    const word = this.accept(/[\p{L}\p{Nd}_$]*/uy);
    if (word === 'not') this.not(start);
    else this.emit(WORD_OPERATORS.has(word) ? 'Operator' : 'Identifier', word, start);
  }

  /** `not in`, `not contains` …: the word behind `not` is an operator even where it could be a name. */
  private not(start: number): void {
    this.emit('Operator', 'not', start);
    this.accept(/ */y);
    const at = this.at;
    const word = this.accept(/[\p{L}\p{Nd}_$]*/uy);
    if (NEGATABLE.has(word)) this.emit('Operator', word, at);
    else this.at = at;
  }
}

function describeRune(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${code} '${character}'`;
}

/** Splits an expression into tokens, the last one EOF; throws LocatedError. */
export const tokenize = (source: string): Token[] => new Lexer(source).run();
