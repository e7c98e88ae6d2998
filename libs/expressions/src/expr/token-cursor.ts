import { goQuote } from '../golang/quote.js';
import { tokenize, type Token, type TokenKind } from './lexer.js';
import { LocatedError } from './source-error.js';

const MAX_NODES = 10_000;
const MAX_DEPTH = 400;

/** A token as the original's error messages show it. */
export const describeToken = (token: Token): string =>
  token.value === '' ? token.kind : `${token.kind}(${goQuote(token.value)})`;

/** Walks over the tokens of an expression; refuses what is not expected, too many nodes and too deep nesting. */
export class TokenCursor {
  private readonly tokens: readonly Token[];
  private readonly end: Token;
  private index = 0;
  private nodes = 0;
  private depth = 0;

  constructor(source: string) {
    this.tokens = tokenize(source);
    this.end = this.tokens.at(-1) ?? { kind: 'EOF', value: '', at: 0 };
  }

  /** The token `ahead` of the next one. */
  peek(ahead = 0): Token {
    return this.tokens[this.index + ahead] ?? this.end;
  }

  is(kind: TokenKind, value?: string): boolean {
    const token = this.peek();
    return token.kind === kind && (value === undefined || token.value === value);
  }

  take(): Token {
    const token = this.peek();
    if (token.kind === 'EOF') throw new LocatedError('unexpected end of expression', token.at, 'compile');
    this.index++;
    return token;
  }

  /** Takes the next token if it is this one. */
  accept(kind: TokenKind, value: string): boolean {
    const found = this.is(kind, value);
    if (found) this.index++;
    return found;
  }

  require(kind: TokenKind, value?: string): Token {
    return this.is(kind, value) ? this.take() : this.unexpected();
  }

  fail(message: string, at = this.peek().at): never {
    throw new LocatedError(message, at, 'compile');
  }

  unexpected(token = this.peek()): never {
    return this.fail(`unexpected token ${describeToken(token)}`, token.at);
  }

  /** Counts a node of the tree. */
  count<T>(node: T): T {
    if (++this.nodes > MAX_NODES) this.fail('compilation failed: expression exceeds maximum allowed nodes');
    return node;
  }

  /** Runs a reader one level deeper. */
  nested<T>(read: () => T): T {
    if (++this.depth > MAX_DEPTH) this.fail('expression is nested too deeply');
    const result = read();
    this.depth--;
    return result;
  }

  /** Reads a comma-separated list up to a closing bracket; a comma may stand before it. */
  list<T>(close: string, read: () => T): T[] {
    const items: T[] = [];
    while (!this.accept('Bracket', close)) {
      if (items.length > 0) {
        this.require('Operator', ',');
        if (this.accept('Bracket', close)) break;
      }
      items.push(read());
    }
    return items;
  }
}
