import { type Node } from './ast.js';
import { BUILTINS, PREDICATE_BUILTINS } from './builtin-names.js';
import { INFIX, NEGATABLE, ORDERING, PREFIX, type Binding } from './infix-operators.js';
import { isValidIdentifier, type Token } from './lexer.js';
import { readNumberLiteral } from './number-literal.js';
import { describeToken, TokenCursor } from './token-cursor.js';

/** An operator between two operands that comes next. */
interface Infix {
  readonly token: Token;
  readonly binding: Binding;
  readonly negated: boolean;
}

const WORDS: Readonly<Record<string, (at: number) => Node>> = {
  true: (at) => ({ kind: 'bool', value: true, at }),
  false: (at) => ({ kind: 'bool', value: false, at }),
  nil: (at) => ({ kind: 'nil', at }),
};
const isOptional = (shape: string): boolean => shape === shape.toUpperCase();

/** Builds the tree by operator strength: an operand with its suffixes, then every operator that binds tightly enough. */
class ExpressionReader {
  private readonly cursor: TokenCursor;
  /** How many predicates enclose the current token: `#` and a leading `.` mean something only there. */
  private predicates = 0;

  constructor(source: string) {
    this.cursor = new TokenCursor(source);
  }

  whole(): Node {
    const node = this.statements();
    if (!this.cursor.is('EOF')) this.cursor.unexpected();
    return node;
  }

  /** Expressions between semicolons; the value is the last one's. */
  private statements(): Node {
    const first = this.expression();
    const nodes = [first];
    while (this.cursor.accept('Operator', ';') && !this.cursor.is('EOF')) nodes.push(this.expression());
    return nodes.length === 1 ? first : this.cursor.count({ kind: 'sequence', nodes, at: first.at });
  }

  private readonly expression = (): Node =>
    this.cursor.nested(() => {
      if (this.cursor.is('Operator', 'let')) return this.declaration();
      if (this.cursor.is('Operator', 'if')) return this.branch();
      return this.choices(this.operators(0));
    });

  private declaration(): Node {
    this.cursor.take();
    const { value: name, at } = this.cursor.require('Identifier');
    this.cursor.require('Operator', '=');
    const value = this.expression();
    this.cursor.require('Operator', ';');
    return this.cursor.count({ kind: 'let', name, value, body: this.statements(), at });
  }

  private branch(): Node {
    this.cursor.take();
    const test = this.expression();
    const then = this.block();
    this.cursor.require('Operator', 'else');
    const otherwise = this.cursor.is('Operator', 'if') ? this.cursor.nested(() => this.branch()) : this.block();
    return this.cursor.count({ kind: 'conditional', test, then, otherwise, at: 0 });
  }

  private block(): Node {
    this.cursor.require('Bracket', '{');
    const node = this.statements();
    this.cursor.require('Bracket', '}');
    return node;
  }

  /** `test ? a : b` and `value ?: b`. */
  private choices(first: Node): Node {
    let test = first;
    while (this.cursor.accept('Operator', '?')) {
      const short = this.cursor.accept('Operator', ':');
      const then = short ? test : this.expression();
      if (!short) this.cursor.require('Operator', ':');
      const otherwise = this.expression();
      test = this.cursor.count({ kind: 'conditional', test, then, otherwise, at: this.cursor.peek().at });
    }
    return test;
  }

  private operators(least: number): Node {
    let left = this.operand();
    let previous = '';
    for (let infix = this.infix(least); infix; infix = this.infix(least)) {
      const { token } = infix;
      if (previous === '??' && token.value !== '??' && token.value !== '|') this.refuseMixing(token);
      left = this.apply(left, infix);
      previous = token.value;
    }
    return left;
  }

  /** The next operator if it binds at least so tightly; nothing is taken. */
  private infix(least: number): Infix | undefined {
    const first = this.cursor.peek();
    if (first.kind !== 'Operator') return undefined;
    const negated = first.value === 'not';
    const token = negated ? this.cursor.peek(1) : first;
    if (negated && !NEGATABLE.has(token.value)) this.cursor.unexpected(token);
    const binding = INFIX.get(token.value);
    return binding && binding.strength >= least ? { token, binding, negated } : undefined;
  }

  private refuseMixing(token: Token): never {
    const message = `Operator (${token.value}) and coalesce expressions (??) cannot be mixed. Wrap either by parentheses.`;
    return this.cursor.fail(message, token.at);
  }

  private apply(left: Node, { token, binding, negated }: Infix): Node {
    if (negated) this.cursor.take();
    this.cursor.take();
    const { value: operator, at } = token;
    if (operator === '|') return this.call(this.cursor.require('Identifier'), [left]);
    if (ORDERING.has(operator)) return this.orderings(left, token, binding);
    const right = this.tighter(binding.toTheRight ? binding.strength : binding.strength + 1);
    const node = this.cursor.count({ kind: 'binary', operator, left, right, at } as const);
    return negated ? this.cursor.count({ kind: 'unary', operator: 'not', operand: node, at }) : node;
  }

  private tighter(least: number): Node {
    return this.cursor.nested(() => this.operators(least));
  }

  /** `1 < a < 3` is `1 < a && a < 3`. */
  private orderings(first: Node, firstToken: Token, { strength }: Binding): Node {
    const links: Node[] = [];
    let left = first;
    let token = firstToken;
    for (;;) {
      const right = this.tighter(strength + 1);
      links.push(this.cursor.count({ kind: 'binary', operator: token.value, left, right, at: token.at }));
      const next = this.cursor.peek();
      if (next.kind !== 'Operator' || !ORDERING.has(next.value)) break;
      left = right;
      token = this.cursor.take();
    }
    return links.reduce((all, link) =>
      this.cursor.count({ kind: 'binary', operator: '&&', left: all, right: link, at: link.at }),
    );
  }

  private operand(): Node {
    const token = this.cursor.peek();
    const strength = token.kind === 'Operator' ? PREFIX.get(token.value) : undefined;
    if (strength !== undefined) {
      this.cursor.take();
      const operand = this.tighter(strength);
      return this.suffixes(this.cursor.count({ kind: 'unary', operator: token.value, operand, at: token.at }));
    }
    const atom = this.atom(token);
    const takesSuffix = token.kind !== 'Number' && !(token.kind === 'Identifier' && Object.hasOwn(WORDS, token.value));
    return takesSuffix ? this.suffixes(atom) : atom;
  }

  private atom(token: Token): Node {
    const { at, value } = token;
    switch (token.kind) {
      case 'Identifier':
        return this.word(this.cursor.take());
      case 'Number':
        return this.number(this.cursor.take());
      case 'String':
        this.cursor.take();
        return this.cursor.count({ kind: 'string', value, at });
      case 'Bytes':
        this.cursor.take();
        return this.cursor.count({ kind: 'bytes', value, at });
      case 'Bracket':
        return this.bracketed(token);
      default:
        return this.special(token);
    }
  }

  private word(token: Token): Node {
    const constant = Object.hasOwn(WORDS, token.value) ? WORDS[token.value] : undefined;
    if (constant) return this.cursor.count(constant(token.at));
    if (this.cursor.is('Bracket', '(')) return this.call(token, []);
    return this.cursor.count({ kind: 'identifier', name: token.value, at: token.at });
  }

  private number({ value, at }: Token): Node {
    const literal = readNumberLiteral(value);
    return this.cursor.count('error' in literal ? this.cursor.fail(literal.error) : { ...literal, at });
  }

  private bracketed(token: Token): Node {
    const { at } = token;
    if (this.cursor.accept('Bracket', '(')) {
      const inner = this.cursor.nested(() => this.statements());
      this.cursor.require('Bracket', ')');
      return inner;
    }
    if (this.cursor.accept('Bracket', '[')) {
      return this.cursor.count({ kind: 'array', items: this.cursor.list(']', this.expression), at });
    }
    if (this.cursor.accept('Bracket', '{')) {
      return this.cursor.count({ kind: 'map', pairs: this.cursor.list('}', () => this.pair()), at });
    }
    return this.cursor.unexpected(token);
  }

  private pair(): { key: Node; value: Node } {
    const key = this.mapKey();
    this.cursor.require('Operator', ':');
    return { key, value: this.expression() };
  }

  private mapKey(): Node {
    const token = this.cursor.peek();
    if (['Number', 'String', 'Identifier'].includes(token.kind)) {
      this.cursor.take();
      return this.cursor.count({ kind: 'string', value: token.value, at: token.at });
    }
    if (this.cursor.is('Bracket', '(')) return this.expression();
    const wanted = 'a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses';
    return this.cursor.fail(`${wanted} (unexpected token ${describeToken(token)})`);
  }

  /** `#`, `#index`, a leading `.member` of the element, and `::builtin()`. */
  private special(token: Token): Node {
    const { value, at } = token;
    if (this.predicates > 0 && value === '.') return this.cursor.count({ kind: 'pointer', name: '', at });
    if (this.predicates > 0 && value === '#') {
      this.cursor.take();
      const name = this.cursor.is('Identifier') ? this.cursor.take().value : '';
      return this.cursor.count({ kind: 'pointer', name, at });
    }
    if (this.cursor.accept('Operator', '::')) return this.call(this.cursor.require('Identifier'), []);
    return this.cursor.unexpected(token);
  }

  private call({ value: name, at }: Token, given: readonly Node[]): Node {
    this.cursor.require('Bracket', '(');
    const shape = PREDICATE_BUILTINS.get(name);
    const args = shape === undefined ? [...given, ...this.cursor.list(')', this.expression)] : this.shapedArguments(shape, given);
    if (shape !== undefined || BUILTINS.has(name)) return this.cursor.count({ kind: 'builtin', name, args, at });
    const callee = this.cursor.count({ kind: 'identifier', name, at } as const);
    return this.cursor.count({ kind: 'call', callee, args, at });
  }

  /** The arguments of `filter`, `reduce` and their kin: an array, a predicate, perhaps one more. */
  private shapedArguments(shape: string, given: readonly Node[]): Node[] {
    const args = [...given];
    const wanted = [...shape.slice(given.length)];
    wanted.forEach((letter, i) => {
      if (this.cursor.is('Bracket', ')')) {
        if (isOptional(letter)) return;
        this.cursor.fail(`expected at least ${wanted.length} arguments`);
      }
      if (i > 0) this.cursor.require('Operator', ',');
      if (this.cursor.is('Bracket', ')') && isOptional(letter)) return;
      args.push(letter.toLowerCase() === 'p' ? this.predicate() : this.expression());
    });
    this.cursor.accept('Operator', ',');
    this.cursor.require('Bracket', ')');
    return args;
  }

  private predicate(): Node {
    const { at } = this.cursor.peek();
    this.predicates++;
    const braced = this.cursor.is('Bracket', '{');
    const node = braced ? this.block() : this.expression();
    if (!braced && this.cursor.is('Operator', ';')) this.cursor.fail('wrap predicate with brackets { and }');
    this.predicates--;
    return this.cursor.count({ kind: 'predicate', node, at });
  }

  /** `.member`, `?.member`, `[index]`, `[from:to]` and calls of methods. */
  private suffixes(first: Node): Node {
    let node = first;
    for (;;) {
      const optional = this.cursor.accept('Operator', '?.');
      if (optional && this.cursor.is('Bracket', '[')) node = this.element(node, true);
      else if (optional || this.cursor.accept('Operator', '.')) node = this.property(node, optional);
      else if (this.cursor.is('Bracket', '[')) node = this.element(node, false);
      else return node;
    }
  }

  private property(base: Node, optional: boolean): Node {
    const { kind, value, at } = this.cursor.take();
    const isName = kind === 'Identifier' || (kind === 'Operator' && isValidIdentifier(value));
    if (!isName) this.cursor.fail('expected name');
    const property = this.cursor.count({ kind: 'string', value, at } as const);
    const method = this.cursor.is('Bracket', '(');
    const inner = base.kind === 'chain' ? base.node : base;
    const member = this.cursor.count({ kind: 'member', node: inner, property, optional, method, at } as const);
    const node = method ? this.methodCall(member, at) : member;
    return optional || base.kind === 'chain' ? this.cursor.count({ kind: 'chain', node, at }) : node;
  }

  private methodCall(callee: Node, at: number): Node {
    this.cursor.require('Bracket', '(');
    return this.cursor.count({ kind: 'call', callee, args: this.cursor.list(')', this.expression), at });
  }

  private element(node: Node, optional: boolean): Node {
    const { at } = this.cursor.take();
    const from = this.cursor.is('Operator', ':') ? undefined : this.expression();
    if (this.cursor.accept('Operator', ':')) {
      const to = this.cursor.is('Bracket', ']') ? undefined : this.expression();
      this.cursor.require('Bracket', ']');
      return this.cursor.count({ kind: 'slice', node, at, ...(from ? { from } : {}), ...(to ? { to } : {}) });
    }
    if (!from) return this.cursor.unexpected();
    this.cursor.require('Bracket', ']');
    const member = this.cursor.count({ kind: 'member', node, property: from, optional, method: false, at } as const);
    return optional ? this.cursor.count({ kind: 'chain', node: member, at }) : member;
  }
}

/** Parses an expression of expr-lang 1.17; throws LocatedError with the original's message. */
export const parse = (source: string): Node => new ExpressionReader(source).whole();
