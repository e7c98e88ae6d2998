import { ExpressionError } from '../errors.js';
import { isNumber, toFloat } from '../golang/numbers.js';
import { regexpMatches } from '../golang/regexp.js';
import { compareStrings, isArray } from '../golang/values.js';
import { equal } from '../expr/comparison.js';
import { parseJsonPath, type PathStep } from './jsonpath-tokens.js';

/** What a filter sees: the element, the whole document, and how to follow a path. */
export interface FilterContext {
  readonly current: unknown;
  readonly root: unknown;
  query(steps: readonly PathStep[], start: unknown, root: unknown): unknown;
}

/** Stands for a path that leads nowhere. */
const MISSING = Symbol('missing');

const TOKEN =
  /\s*(&&|\|\||==|!=|<=|>=|=~|<|>|!|\(|\)|,|\[|\]|in\b|not\s+in\b|true\b|false\b|null\b|nil\b|[@$](?:\.\.?(?:\*|[\w-]+)|\[[^\]]*\])*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\/(?:\\.|[^/\\])*\/)/y;

function tokenize(source: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim() !== '') {
    const match = TOKEN.exec(source);
    if (!match) throw new ExpressionError(`invalid expression. ${source}`);
    tokens.push(match[1] ?? '');
  }
  return tokens;
}

const truthy = (value: unknown): boolean => value !== MISSING && value !== false && value !== null && value !== '';

class Filter {
  private readonly tokens: readonly string[];
  private readonly context: FilterContext;
  private at = 0;

  constructor(source: string, context: FilterContext) {
    this.tokens = tokenize(source);
    this.context = context;
  }

  run(): boolean {
    const value = this.either();
    if (this.at < this.tokens.length) throw new ExpressionError('invalid expression');
    return truthy(value);
  }

  private accept(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private either(): unknown {
    let left = this.both();
    while (this.accept('||')) {
      const right = this.both();
      left = truthy(left) || truthy(right);
    }
    return left;
  }

  private both(): unknown {
    let left = this.comparison();
    while (this.accept('&&')) {
      const right = this.comparison();
      left = truthy(left) && truthy(right);
    }
    return left;
  }

  private comparison(): unknown {
    const left = this.operand();
    const operator = (this.tokens[this.at] ?? '').replace(/^not\s+in$/, 'not in');
    if (!Object.hasOwn(OPERATIONS, operator)) return left;
    this.at++;
    return compareValues(operator, left, this.operand());
  }

  private operand(): unknown {
    const token = this.tokens[this.at++] ?? '';
    if (token === '!') return this.negation();
    if (token === '(') {
      const inner = this.either();
      this.accept(')');
      return inner;
    }
    if (token === '[') return this.list();
    if (token.startsWith('@') || token.startsWith('$')) return this.path(token);
    return literal(token);
  }

  /** The original cannot negate a group: such a filter lets nothing pass. */
  private negation(): boolean {
    if (this.tokens[this.at] === '(') throw new ExpressionError('invalid expression');
    return !truthy(this.operand());
  }

  private list(): unknown[] {
    const items: unknown[] = [];
    while (this.at < this.tokens.length && !this.accept(']')) {
      items.push(this.operand());
      this.accept(',');
    }
    return items;
  }

  private path(token: string): unknown {
    const { current, root } = this.context;
    try {
      return this.context.query(parseJsonPath(`$${token.slice(1)}`), token.startsWith('@') ? current : root, root);
    } catch (error) {
      if (error instanceof ExpressionError) return MISSING;
      throw error;
    }
  }
}

function literal(token: string): unknown {
  if (/^['"]/.test(token)) return token.slice(1, -1).replace(/\\(.)/g, '$1');
  if (token.startsWith('/')) return token.slice(1, -1);
  if (token === 'true' || token === 'false') return token === 'true';
  if (token === 'null' || token === 'nil') return null;
  const value = Number(token);
  if (token === '' || Number.isNaN(value)) throw new ExpressionError('invalid expression');
  return value;
}

const isIn = (left: unknown, right: unknown): boolean => isArray(right) && right.some((item) => equal(item, left));

/** Which is greater; NaN for values that have no common order. */
function signOf(left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return toFloat(left) - toFloat(right);
  return typeof left === 'string' && typeof right === 'string' ? compareStrings(left, right) : NaN;
}

const OPERATIONS: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  in: isIn,
  'not in': (left, right) => isArray(right) && !isIn(left, right),
  '=~': (left, right) => typeof left === 'string' && typeof right === 'string' && regexpMatches(right, left),
  '<': (left, right) => signOf(left, right) < 0,
  '<=': (left, right) => signOf(left, right) <= 0,
  '>': (left, right) => signOf(left, right) > 0,
  '>=': (left, right) => signOf(left, right) >= 0,
};

function compareValues(operator: string, left: unknown, right: unknown): boolean {
  if (left === MISSING || right === MISSING) return operator === '!=' && left !== right;
  return OPERATIONS[operator]?.(left, right) ?? false;
}

/** Whether an element passes the inside of `?( … )`; what cannot be evaluated does not pass. */
export function evaluateFilter(source: string, context: FilterContext): boolean {
  try {
    return new Filter(source, context).run();
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}
