import { goQuote } from '../golang/quote.js';
import { parseFloat64 } from '../golang/numbers.js';
import { type MemberNode, type Node } from './ast.js';
import { BUILTINS, PREDICATE_BUILTINS } from './builtin-names.js';
import { isValidIdentifier, tokenize, type Token, type TokenKind } from './lexer.js';
import { LocatedError } from './source-error.js';

const UNARY: ReadonlyMap<string, number> = new Map([
  ['not', 50],
  ['!', 50],
  ['-', 90],
  ['+', 90],
]);
const BINARY: ReadonlyMap<string, number> = new Map([
  ['|', 0],
  ['or', 10],
  ['||', 10],
  ['and', 15],
  ['&&', 15],
  ...['==', '!=', '<', '>', '>=', '<=', 'in', 'matches', 'contains', 'startsWith', 'endsWith'].map((op) => [op, 20] as const),
  ['..', 25],
  ['+', 30],
  ['-', 30],
  ['*', 60],
  ['/', 60],
  ['%', 60],
  ['**', 100],
  ['^', 100],
  ['??', 500],
]);
const NEGATABLE = new Set(['contains', 'matches', 'startsWith', 'endsWith', 'in']);
const COMPARISONS = new Set(['<', '>', '>=', '<=']);
const MAX_NODES = 10_000;
const MAX_DEPTH = 400;
const MAX_INT64 = 2n ** 63n - 1n;

const describe = (token: Token): string => (token.value === '' ? token.kind : `${token.kind}(${goQuote(token.value)})`);

/** expr-lang's grammar as recursive descent; bounded in nodes (as the original) and in nesting (ours). */
class Parser {
  private readonly tokens: readonly Token[];
  private index = 0;
  private predicateDepth = 0;
  private nodeCount = 0;
  private nesting = 0;

  constructor(source: string) {
    this.tokens = tokenize(source);
  }

  run(): Node {
    const node = this.sequence();
    if (!this.is('EOF')) this.unexpected();
    return node;
  }

  private get current(): Token {
    return this.tokens[Math.min(this.index, this.tokens.length - 1)] ?? { kind: 'EOF', value: '', at: 0 };
  }

  private is(kind: TokenKind, value?: string): boolean {
    const token = this.current;
    return token.kind === kind && (value === undefined || token.value === value);
  }

  private next(): Token {
    const token = this.current;
    if (token.kind === 'EOF') throw new LocatedError('unexpected end of expression', token.at, 'compile');
    this.index++;
    return token;
  }

  private unexpected(token = this.current): never {
    throw new LocatedError(`unexpected token ${describe(token)}`, token.at, 'compile');
  }

  private fail(message: string, at = this.current.at): never {
    throw new LocatedError(message, at, 'compile');
  }

  private expect(kind: TokenKind, value?: string): Token {
    if (!this.is(kind, value)) this.unexpected();
    return this.next();
  }

  private node<N extends Node>(node: N): N {
    if (++this.nodeCount > MAX_NODES) this.fail('compilation failed: expression exceeds maximum allowed nodes');
    return node;
  }

  private sequence(): Node {
    const nodes = [this.expression(0)];
    while (this.is('Operator', ';')) {
      this.next();
      if (this.is('EOF')) break;
      nodes.push(this.expression(0));
    }
    const first = nodes[0];
    if (nodes.length === 1 && first) return first;
    return this.node({ kind: 'sequence', nodes, at: first?.at ?? 0 });
  }

  private expression(precedence: number): Node {
    if (++this.nesting > MAX_DEPTH) this.fail('expression is nested too deeply');
    try {
      if (precedence === 0 && this.is('Operator', 'let')) return this.declaration();
      if (precedence === 0 && this.is('Operator', 'if')) return this.ifElse();
      const node = this.binary(this.primary(), precedence);
      return precedence === 0 ? this.conditional(node) : node;
    } finally {
      this.nesting--;
    }
  }

  private binary(start: Node, precedence: number): Node {
    let left = start;
    let previous = '';
    while (this.is('Operator')) {
      const mark = this.index;
      const negated = this.is('Operator', 'not');
      if (negated) {
        this.next();
        if (!NEGATABLE.has(this.current.value)) this.unexpected();
      }
      const token = this.current;
      const binding = BINARY.get(token.value);
      if (binding === undefined || binding < precedence) {
        this.index = mark;
        break;
      }
      this.next();
      left = this.combine(left, token, binding, previous, negated);
      previous = token.value;
    }
    return left;
  }

  // eslint-disable-next-line max-params -- the five facts of one binary operator
  private combine(left: Node, token: Token, binding: number, previous: string, negated: boolean): Node {
    const operator = token.value;
    if (operator === '|') return this.call(this.expect('Identifier'), [left]);
    if (previous === '??' && operator !== '??') {
      this.fail(`Operator (${operator}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.`, token.at);
    }
    if (COMPARISONS.has(operator)) return this.comparison(left, token, binding);
    const rightAssociative = operator === '**' || operator === '^';
    const right = this.expression(rightAssociative ? binding : binding + 1);
    const node = this.node({ kind: 'binary', operator, left, right, at: token.at });
    return negated ? this.node({ kind: 'unary', operator: 'not', operand: node, at: token.at }) : node;
  }

  /** `1 < a < 3` means `1 < a && a < 3`. */
  private comparison(first: Node, firstToken: Token, binding: number): Node {
    let left = first;
    let token = firstToken;
    let root: Node | undefined;
    for (;;) {
      const right = this.expression(binding + 1);
      const node = this.node({ kind: 'binary', operator: token.value, left, right, at: token.at });
      root = root ? this.node({ kind: 'binary', operator: '&&', left: root, right: node, at: token.at }) : node;
      left = right;
      token = this.current;
      if (token.kind !== 'Operator' || !COMPARISONS.has(token.value)) return root;
      this.next();
    }
  }

  private declaration(): Node {
    this.next();
    const name = this.expect('Identifier');
    this.expect('Operator', '=');
    const value = this.expression(0);
    this.expect('Operator', ';');
    const body = this.sequence();
    return this.node({ kind: 'let', name: name.value, value, body, at: name.at });
  }

  private ifElse(): Node {
    this.next();
    const test = this.expression(0);
    const then = this.block();
    this.expect('Operator', 'else');
    const otherwise = this.is('Operator', 'if') ? this.ifElse() : this.block();
    return this.node({ kind: 'conditional', test, then, otherwise, at: 0 });
  }

  private block(): Node {
    this.expect('Bracket', '{');
    const node = this.sequence();
    this.expect('Bracket', '}');
    return node;
  }

  private conditional(start: Node): Node {
    let node = start;
    while (this.is('Operator', '?')) {
      this.next();
      let then = node;
      if (this.is('Operator', ':')) this.next();
      else {
        then = this.expression(0);
        this.expect('Operator', ':');
      }
      const otherwise = this.expression(0);
      node = this.node({ kind: 'conditional', test: node, then, otherwise, at: this.current.at });
    }
    return node;
  }

  private primary(): Node {
    const token = this.current;
    const unary = token.kind === 'Operator' ? UNARY.get(token.value) : undefined;
    if (unary !== undefined) {
      this.next();
      const operand = this.expression(unary);
      return this.postfix(this.node({ kind: 'unary', operator: token.value, operand, at: token.at }));
    }
    if (this.is('Bracket', '(')) {
      this.next();
      const inner = this.sequence();
      this.expect('Bracket', ')');
      return this.postfix(inner);
    }
    if (this.predicateDepth > 0 && (this.is('Operator', '#') || this.is('Operator', '.'))) return this.pointer(token);
    if (this.is('Operator', '::')) {
      this.next();
      return this.postfix(this.call(this.expect('Identifier'), []));
    }
    return this.secondary(token);
  }

  private pointer(token: Token): Node {
    let name = '';
    if (token.value === '#') {
      this.next();
      if (this.is('Identifier')) name = this.next().value;
    }
    return this.postfix(this.node({ kind: 'pointer', name, at: token.at }));
  }

  private secondary(token: Token): Node {
    const { at, value } = token;
    switch (token.kind) {
      case 'Identifier':
        this.next();
        return this.word(token);
      case 'Number':
        this.next();
        return this.node(this.number(value, at));
      case 'String':
        this.next();
        return this.postfix(this.node({ kind: 'string', value, at }));
      case 'Bytes':
        this.next();
        return this.postfix(this.node({ kind: 'bytes', value, at }));
      default:
        if (this.is('Bracket', '[')) return this.postfix(this.array(at));
        if (this.is('Bracket', '{')) return this.postfix(this.map(at));
        return this.unexpected(token);
    }
  }

  private word(token: Token): Node {
    const { at, value } = token;
    if (value === 'true' || value === 'false') return this.node({ kind: 'bool', value: value === 'true', at });
    if (value === 'nil') return this.node({ kind: 'nil', at });
    if (this.is('Bracket', '(')) return this.postfix(this.call(token, []));
    return this.postfix(this.node({ kind: 'identifier', name: value, at }));
  }

  private number(text: string, at: number): Node {
    const digits = text.replaceAll('_', '');
    const lower = digits.toLowerCase();
    if (!lower.startsWith('0x') && /[.e]/.test(lower)) {
      const value = parseFloat64(digits);
      if (value === undefined)
        this.fail(`invalid float literal: strconv.ParseFloat: parsing ${goQuote(digits)}: value out of range`);
      return { kind: 'float', value, at };
    }
    if (/^0[xob]$/.test(lower) || /[^0-9a-fxob]/.test(lower)) this.fail(`invalid integer literal: ${goQuote(digits)}`);
    const value = BigInt(lower);
    if (value > MAX_INT64) {
      this.fail(`invalid integer literal: strconv.ParseInt: parsing ${goQuote(digits)}: value out of range`);
    }
    return { kind: 'int', value: value <= 9007199254740991n ? Number(value) : value, at };
  }

  private call(token: Token, given: readonly Node[]): Node {
    const { at, value: name } = token;
    const shape = PREDICATE_BUILTINS.get(name);
    if (shape !== undefined) {
      return this.node({ kind: 'builtin', name, args: this.predicateArguments(shape, given), at });
    }
    if (BUILTINS.has(name)) return this.node({ kind: 'builtin', name, args: this.callArguments(given), at });
    const callee = this.node({ kind: 'identifier', name, at } as const);
    return this.node({ kind: 'call', callee, args: this.callArguments(given), at });
  }

  private predicateArguments(shape: string, given: readonly Node[]): Node[] {
    const args = [...given];
    this.expect('Bracket', '(');
    const wanted = shape.slice(given.length);
    for (let i = 0; i < wanted.length; i++) {
      const kind = wanted.charAt(i);
      if (this.is('Bracket', ')')) {
        if (kind === kind.toUpperCase()) break;
        this.fail(`expected at least ${wanted.length} arguments`);
      }
      if (i > 0) {
        const optionalEnd = kind === kind.toUpperCase();
        this.expect('Operator', ',');
        if (optionalEnd && this.is('Bracket', ')')) break;
      }
      args.push(kind.toLowerCase() === 'e' ? this.expression(0) : this.predicate());
    }
    if (this.is('Operator', ',')) this.next();
    this.expect('Bracket', ')');
    return args;
  }

  private callArguments(given: readonly Node[]): Node[] {
    const args = [...given];
    this.expect('Bracket', '(');
    while (!this.is('Bracket', ')')) {
      if (args.length > given.length) {
        this.expect('Operator', ',');
        if (this.is('Bracket', ')')) break;
      }
      args.push(this.expression(0));
    }
    this.expect('Bracket', ')');
    return args;
  }

  private predicate(): Node {
    const { at } = this.current;
    this.predicateDepth++;
    let node: Node;
    if (this.is('Bracket', '{')) node = this.block();
    else {
      node = this.expression(0);
      if (this.is('Operator', ';')) this.fail('wrap predicate with brackets { and }');
    }
    this.predicateDepth--;
    return this.node({ kind: 'predicate', node, at });
  }

  private array(at: number): Node {
    const items: Node[] = [];
    this.next();
    while (!this.is('Bracket', ']')) {
      if (items.length > 0) {
        this.expect('Operator', ',');
        if (this.is('Bracket', ']')) break;
      }
      items.push(this.expression(0));
    }
    this.expect('Bracket', ']');
    return this.node({ kind: 'array', items, at });
  }

  private map(at: number): Node {
    const pairs: { key: Node; value: Node }[] = [];
    this.next();
    while (!this.is('Bracket', '}')) {
      if (pairs.length > 0) {
        this.expect('Operator', ',');
        if (this.is('Bracket', '}')) break;
      }
      const key = this.mapKey();
      this.expect('Operator', ':');
      pairs.push({ key, value: this.expression(0) });
    }
    this.expect('Bracket', '}');
    return this.node({ kind: 'map', pairs, at });
  }

  private mapKey(): Node {
    const { kind, value, at } = this.current;
    if (kind === 'Number' || kind === 'String' || kind === 'Identifier') {
      this.next();
      return this.node({ kind: 'string', value, at });
    }
    if (this.is('Bracket', '(')) return this.expression(0);
    return this.fail(
      'a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses ' +
        `(unexpected token ${describe(this.current)})`,
    );
  }

  private postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const token = this.current;
      const optional = token.value === '?.' && token.kind === 'Operator';
      if (optional || this.is('Operator', '.')) {
        this.next();
        if (optional && this.is('Bracket', '[')) node = this.bracket(node, true);
        else node = this.property(node, optional);
      } else if (this.is('Bracket', '[')) {
        node = this.bracket(node, false);
      } else {
        return node;
      }
    }
  }

  private property(node: Node, optional: boolean): Node {
    const token = this.next();
    const { at, value: name } = token;
    if (token.kind !== 'Identifier' && (token.kind !== 'Operator' || !isValidIdentifier(name))) {
      this.fail('expected name');
    }
    const property = this.node({ kind: 'string', value: name, at } as const);
    const chained = node.kind === 'chain';
    const method = this.is('Bracket', '(');
    const base = chained ? node.node : node;
    const member: MemberNode = this.node({ kind: 'member', node: base, property, optional, method, at });
    const result: Node = method ? this.node({ kind: 'call', callee: member, args: this.callArguments([]), at }) : member;
    return chained || optional ? this.node({ kind: 'chain', node: result, at }) : result;
  }

  private bracket(node: Node, optional: boolean): Node {
    const { at } = this.next();
    if (this.is('Operator', ':')) return this.slice(node, undefined, at);
    const index = this.expression(0);
    if (this.is('Operator', ':')) return this.slice(node, index, at);
    const member = this.node({ kind: 'member', node, property: index, optional, method: false, at });
    this.expect('Bracket', ']');
    return optional ? this.node({ kind: 'chain', node: member, at }) : member;
  }

  private slice(node: Node, from: Node | undefined, at: number): Node {
    this.next();
    const to = this.is('Bracket', ']') ? undefined : this.expression(0);
    this.expect('Bracket', ']');
    return this.node({ kind: 'slice', node, at, ...(from ? { from } : {}), ...(to ? { to } : {}) });
  }
}

/** Parses an expression of expr-lang 1.17; throws LocatedError with the original's message. */
export const parse = (source: string): Node => new Parser(source).run();
