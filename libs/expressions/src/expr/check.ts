import { ExpressionError } from '../errors.js';
import { compileRegexp } from '../golang/regexp.js';
import { timeMethodNames } from '../golang/time-methods.js';
import { lookup, type GoRecord } from '../golang/values.js';
import { type BinaryNode, type MemberNode, type Node } from './ast.js';
import { checkBuiltin } from './check-builtins.js';
import { LocatedError } from './source-error.js';
import {
  ANY_ARRAY,
  areComparable,
  arrayOf,
  BOOL,
  BYTES,
  DURATION,
  FLOAT,
  FUNC,
  INT,
  isNumeric,
  MAP,
  NIL,
  STRING,
  TIME,
  typeOfValue,
  UNKNOWN,
  type StaticType,
  type TypeKind,
} from './static-type.js';

/** What a predicate's `#…` names stand for. */
export interface PredicateScope {
  readonly element: StaticType;
  readonly names: ReadonlyMap<string, StaticType>;
}

export const reject = (message: string, at: number): never => {
  throw new LocatedError(message, at, 'compile');
};

const oneOf = (type: StaticType, ...kinds: readonly TypeKind[]): boolean => kinds.includes(type.kind);

/** Operand kinds that an operator takes, and the type it gives; tried in order. */
type Rule = readonly [left: TypeKind, right: TypeKind, result: StaticType];

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  '+': [
    ['string', 'string', STRING],
    ['time', 'duration', TIME],
    ['duration', 'time', TIME],
    ['duration', 'duration', DURATION],
  ],
  '-': [
    ['time', 'time', DURATION],
    ['time', 'duration', TIME],
    ['duration', 'duration', DURATION],
  ],
  '*': [
    ['int', 'duration', DURATION],
    ['float', 'duration', DURATION],
    ['duration', 'int', DURATION],
    ['duration', 'float', DURATION],
    ['duration', 'duration', DURATION],
  ],
  '/': [],
  '**': [],
  '^': [],
};
/** Kinds that may stand beside an operand whose type is not known. */
const BESIDE_UNKNOWN: Readonly<Record<string, readonly TypeKind[]>> = {
  '+': ['int', 'float', 'string', 'time', 'duration'],
  '-': ['int', 'float', 'time', 'duration'],
  '*': ['int', 'float', 'duration'],
  '/': ['int', 'float'],
  '**': ['int', 'float'],
  '^': ['int', 'float'],
  '%': ['int'],
  '..': ['int'],
  order: ['int', 'float', 'string', 'time', 'duration'],
  logic: ['bool'],
  text: ['string'],
};

function besideUnknown(left: StaticType, right: StaticType, family: string): boolean {
  const kinds = BESIDE_UNKNOWN[family] ?? [];
  const fits = (type: StaticType): boolean => type.kind === 'unknown' || kinds.includes(type.kind);
  return (left.kind === 'unknown' || right.kind === 'unknown') && fits(left) && fits(right);
}

/** Infers the type of every part of an expression and rejects what cannot work, as compiling with expr.Env does. */
export class Checker {
  private readonly env: GoRecord;
  private readonly strict: boolean;
  private readonly variables: { readonly name: string; readonly type: StaticType }[] = [];
  private readonly predicates: PredicateScope[] = [];

  constructor(env: GoRecord, strict: boolean) {
    this.env = env;
    this.strict = strict;
  }

  readonly visit = (node: Node): StaticType => {
    switch (node.kind) {
      case 'nil':
        return NIL;
      case 'int':
        return INT;
      case 'float':
        return FLOAT;
      case 'bool':
        return BOOL;
      case 'string':
        return STRING;
      case 'bytes':
        return BYTES;
      case 'identifier':
        return this.identifier(node.name, node.at);
      case 'unary':
        return this.unary(node.operator, this.visit(node.operand), node.at);
      case 'binary':
        return this.binary(node);
      case 'chain':
        return this.visit(node.node);
      case 'member':
        return this.member(node);
      default:
        return this.compound(node);
    }
  };

  /** Visits a predicate with its `#`. */
  predicate(node: Node, scope: PredicateScope): StaticType {
    this.predicates.push(scope);
    const type = this.visit(node);
    this.predicates.pop();
    return type;
  }

  private compound(node: Node): StaticType {
    switch (node.kind) {
      case 'builtin':
        return checkBuiltin(this, node);
      case 'predicate':
        return this.visit(node.node);
      case 'pointer':
        return this.pointer(node.name, node.at);
      case 'slice':
        return this.slice(node);
      case 'call':
        return this.call(node);
      case 'let':
        return this.declaration(node);
      case 'sequence':
        return node.nodes.map(this.visit).at(-1) ?? UNKNOWN;
      case 'conditional':
        return this.conditional(node);
      case 'array':
        return this.array(node.items);
      case 'map':
        for (const { key, value } of node.pairs) {
          this.visit(key);
          this.visit(value);
        }
        return MAP;
      default:
        return UNKNOWN;
    }
  }

  private named(name: string, at: number, strict: boolean): StaticType {
    if (Object.hasOwn(this.env, name)) return typeOfValue(lookup(this.env, name));
    return strict && this.strict ? reject(`unknown name ${name}`, at) : UNKNOWN;
  }

  private identifier(name: string, at: number): StaticType {
    const variable = this.variables.findLast((known) => known.name === name);
    if (variable) return variable.type;
    return name === '$env' ? UNKNOWN : this.named(name, at, true);
  }

  private unary(operator: string, operand: StaticType, at: number): StaticType {
    const logical = operator === '!' || operator === 'not';
    if (operand.kind === 'unknown') return logical ? BOOL : UNKNOWN;
    if (logical ? operand.kind === 'bool' : isNumeric(operand) || operand.kind === 'duration') return operand;
    return reject(`invalid operation: ${operator} (mismatched type ${operand.name})`, at);
  }

  private binary(node: BinaryNode): StaticType {
    const { operator, at } = node;
    const left = this.visit(node.left);
    const right = this.visit(node.right);
    const result = this.binaryResult(node, left, right);
    return result ?? reject(`invalid operation: ${operator} (mismatched types ${left.name} and ${right.name})`, at);
  }

  private binaryResult(node: BinaryNode, left: StaticType, right: StaticType): StaticType | undefined {
    if (node.operator === 'in') return this.membership(node, left, right);
    const rule = OPERATOR_RESULTS[node.operator];
    return rule ? rule(node, left, right) : arithmetic(node.operator, left, right);
  }

  private membership(node: BinaryNode, left: StaticType, right: StaticType): StaticType | undefined {
    if (right.kind === 'map') {
      if (oneOf(left, 'unknown', 'string')) return BOOL;
      return reject(`cannot use ${left.name} as type string in map key`, node.at);
    }
    if (right.kind === 'array') {
      const element = right.element ?? UNKNOWN;
      if (areComparable(left, element)) return BOOL;
      return reject(`cannot use ${left.name} as type ${element.name} in array`, node.at);
    }
    if (right.kind === 'unknown' || (left.kind === 'unknown' && right.kind === 'string')) return BOOL;
    return undefined;
  }

  private member(node: MemberNode): StaticType {
    const { property, at } = node;
    if (node.node.kind === 'identifier' && node.node.name === '$env') {
      return property.kind === 'string' ? this.named(property.value, at, !node.optional) : UNKNOWN;
    }
    const base = this.visit(node.node);
    const key = this.visit(property);
    const name = property.kind === 'string' ? property.value : undefined;
    if (base.kind === 'nil' && name !== undefined) return reject(`type nil has no field ${name}`, at);
    if (name !== undefined && timeMethodNames(base.kind).has(name)) return FUNC;
    return memberType(node, base, key);
  }

  private slice(node: Extract<Node, { kind: 'slice' }>): StaticType {
    const base = this.visit(node.node);
    for (const bound of [node.from, node.to]) {
      const type = bound ? this.visit(bound) : INT;
      if (bound && base.kind !== 'unknown' && !oneOf(type, 'int', 'unknown')) {
        reject(`non-integer slice index ${type.name}`, bound.at);
      }
    }
    if (oneOf(base, 'unknown', 'string', 'array', 'bytes')) return base;
    return reject(`cannot slice ${base.name}`, node.at);
  }

  private call(node: Extract<Node, { kind: 'call' }>): StaticType {
    const callee = this.visit(node.callee);
    for (const arg of node.args) this.visit(arg);
    if (oneOf(callee, 'unknown', 'func', 'other')) return UNKNOWN;
    if (callee.kind === 'nil') {
      const name = node.callee.kind === 'identifier' ? node.callee.name : 'function';
      return reject(`${name} is nil; cannot call nil as function`, node.at);
    }
    return reject(`${callee.name} is not callable`, node.at);
  }

  private pointer(name: string, at: number): StaticType {
    const scope = this.predicates.at(-1);
    if (!scope) return reject('cannot use pointer accessor outside predicate', at);
    if (name === '') return scope.element;
    return scope.names.get(name) ?? reject(`unknown pointer #${name}`, at);
  }

  private declaration(node: Extract<Node, { kind: 'let' }>): StaticType {
    if (Object.hasOwn(this.env, node.name)) reject(`cannot redeclare ${node.name}`, node.at);
    if (this.variables.some(({ name }) => name === node.name)) reject(`cannot redeclare variable ${node.name}`, node.at);
    this.variables.push({ name: node.name, type: this.visit(node.value) });
    const type = this.visit(node.body);
    this.variables.pop();
    return type;
  }

  private conditional(node: Extract<Node, { kind: 'conditional' }>): StaticType {
    const test = this.visit(node.test);
    if (!oneOf(test, 'bool', 'unknown')) reject(`non-bool expression (type ${test.name}) used as condition`, node.test.at);
    const then = this.visit(node.then);
    const otherwise = this.visit(node.otherwise);
    if (then.kind === 'nil') return otherwise;
    if (otherwise.kind === 'nil') return then;
    if (then.kind !== otherwise.kind) return UNKNOWN;
    return then.kind === 'array' ? ANY_ARRAY : then;
  }

  private array(items: readonly Node[]): StaticType {
    const types = items.map(this.visit);
    const [first] = types;
    return first && types.every(({ kind }) => kind === first.kind) ? arrayOf(first) : ANY_ARRAY;
  }
}

/** The type of a member of a value that is neither nil nor a time. */
function memberType({ property, method, at }: MemberNode, base: StaticType, key: StaticType): StaticType {
  switch (base.kind) {
    case 'unknown':
    case 'other':
      return UNKNOWN;
    case 'map':
      if (oneOf(key, 'string', 'unknown')) return UNKNOWN;
      return reject(`cannot use ${key.name} to get an element from ${base.name}`, property.at);
    case 'array':
    case 'bytes':
      if (oneOf(key, 'int', 'unknown')) return base.element ?? INT;
      return reject(`array elements can only be selected using an integer (got ${key.name})`, property.at);
    default:
      if (property.kind !== 'string') return reject(`type ${base.name}[${key.name}] is undefined`, at);
      return reject(`type ${base.name} has no ${method ? 'method' : 'field'} ${property.value}`, at);
  }
}

type OperatorResult = (node: BinaryNode, left: StaticType, right: StaticType) => StaticType | undefined;

const equality: OperatorResult = (_node, left, right) => (areComparable(left, right) ? BOOL : undefined);
const logic: OperatorResult = (_node, left, right) =>
  (left.kind === 'bool' && right.kind === 'bool') || besideUnknown(left, right, 'logic') ? BOOL : undefined;
const order: OperatorResult = (_node, left, right) =>
  isOrdered(left, right) || besideUnknown(left, right, 'order') ? BOOL : undefined;
const range: OperatorResult = (_node, left, right) =>
  (left.kind === 'int' && right.kind === 'int') || besideUnknown(left, right, '..') ? arrayOf(INT, '[]int') : undefined;

const isOrdered = (left: StaticType, right: StaticType): boolean =>
  (isNumeric(left) && isNumeric(right)) || (left.kind === right.kind && oneOf(left, 'string', 'time', 'duration'));

function coalesce(left: StaticType, right: StaticType): StaticType {
  if (left.kind === 'nil') return right;
  return right.kind === 'nil' || right.kind === left.kind ? left : UNKNOWN;
}

function remainder(node: BinaryNode, left: StaticType, right: StaticType): StaticType | undefined {
  if (node.left.kind === 'int' && node.right.kind === 'int' && node.right.value === 0) {
    return reject('integer divide by zero', node.at);
  }
  return (left.kind === 'int' && right.kind === 'int') || besideUnknown(left, right, '%') ? INT : undefined;
}

function onText(node: BinaryNode, left: StaticType, right: StaticType): StaticType | undefined {
  if (node.operator === 'matches' && node.right.kind === 'string') checkPattern(node.right.value, node.at);
  const subject = left.kind === 'string' || (node.operator === 'matches' && left.kind === 'bytes');
  return (subject && right.kind === 'string') || besideUnknown(left, right, 'text') ? BOOL : undefined;
}

const OPERATOR_RESULTS: Readonly<Record<string, OperatorResult>> = {
  '==': equality,
  '!=': equality,
  and: logic,
  '&&': logic,
  or: logic,
  '||': logic,
  '<': order,
  '<=': order,
  '>': order,
  '>=': order,
  '??': (_node, left, right) => coalesce(left, right),
  '%': remainder,
  '..': range,
  matches: onText,
  contains: onText,
  startsWith: onText,
  endsWith: onText,
};

function checkPattern(pattern: string, at: number): void {
  try {
    compileRegexp(pattern);
  } catch (error) {
    if (error instanceof ExpressionError) reject(error.message, at);
    throw error;
  }
}

function arithmetic(operator: string, left: StaticType, right: StaticType): StaticType | undefined {
  const divides = operator === '/' || operator === '**' || operator === '^';
  if (isNumeric(left) && isNumeric(right)) {
    return divides || left.kind === 'float' || right.kind === 'float' ? FLOAT : INT;
  }
  const rule = RULES[operator]?.find(([a, b]) => a === left.kind && b === right.kind);
  if (rule) return rule[2];
  if (!besideUnknown(left, right, operator)) return undefined;
  return divides ? FLOAT : UNKNOWN;
}

/** Checks an expression against an environment; throws LocatedError. Without `strict`, unknown names are nil. */
export function checkTypes(tree: Node, env: GoRecord, strict: boolean): void {
  new Checker(env, strict).visit(tree);
}
