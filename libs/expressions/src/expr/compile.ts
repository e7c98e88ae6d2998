import { ExpressionError } from '../errors.js';
import { float } from '../golang/numbers.js';
import { utf8Encode } from '../golang/utf8.js';
import { GoFunction, goTypeName, isNil, lookup, newRecord, type GoRecord } from '../golang/values.js';
import { type BinaryNode, type BuiltinNode, type MemberNode, type Node } from './ast.js';
import { callBuiltin } from './builtins.js';
import { fetch, slice, toIndex } from './access.js';
import { compare, contains, equal } from './comparison.js';
import * as operators from './operators.js';
import { compilePredicateBuiltin } from './predicates.js';
import { type Budget } from './budget.js';

/** The state of one run of a compiled expression. */
export interface Run {
  readonly env: GoRecord;
  readonly budget: Budget;
  readonly variables: unknown[];
  /** The offset that an error thrown now belongs to. */
  at: number;
  scope: LoopScope | undefined;
}

/** What `#`, `#index` and `#acc` mean inside a predicate. */
export interface LoopScope {
  item: unknown;
  index: number;
  accumulator: unknown;
}

export type Step = (run: Run) => unknown;
export type Compile = (node: Node) => Step;

/** What an optional member gives where its base is nil: skips the rest of the chain. */
const BREAK = Symbol('chain break');

class Compiler {
  private readonly names: string[] = [];

  readonly compile = (node: Node): Step => {
    switch (node.kind) {
      case 'nil':
        return () => null;
      case 'int':
      case 'bool':
      case 'string':
        return this.constant(node.value);
      case 'float':
        return this.constant(float(node.value));
      case 'bytes':
        return this.constant(utf8Encode(node.value));
      case 'identifier':
        return this.identifier(node.name);
      case 'unary':
        return this.unary(node.operator, this.compile(node.operand), node.at);
      case 'binary':
        return this.binary(node);
      case 'member':
        return this.member(node);
      case 'chain': {
        const inner = this.compile(node.node);
        return (run) => {
          const value = inner(run);
          return value === BREAK ? null : value;
        };
      }
      case 'builtin':
        return this.builtin(node);
      default:
        return this.compound(node);
    }
  };

  private compound(node: Node): Step {
    switch (node.kind) {
      case 'slice':
        return this.slice(node.node, node.from, node.to, node.at);
      case 'call':
        return this.call(node.callee, node.args, node.at);
      case 'predicate':
        return this.compile(node.node);
      case 'pointer':
        return pointer(node.name);
      case 'let':
        return this.declaration(node.name, node.value, node.body);
      case 'sequence':
        return this.sequence(node.nodes);
      case 'conditional':
        return this.conditional(node.test, node.then, node.otherwise);
      case 'array':
        return this.array(node.items, node.at);
      case 'map':
        return this.map(node.pairs, node.at);
      default:
        throw new ExpressionError(`undefined node type (${node.kind})`, 'compile');
    }
  }

  private constant(value: unknown): Step {
    return () => value;
  }

  private identifier(name: string): Step {
    const slot = this.names.lastIndexOf(name);
    if (slot >= 0) return (run) => run.variables[slot];
    if (name === '$env') return (run) => run.env;
    return (run) => lookup(run.env, name) ?? null;
  }

  private unary(operator: string, operand: Step, at: number): Step {
    if (operator === '!' || operator === 'not') {
      return (run) => {
        const value = operand(run);
        run.at = at;
        return !operators.asBool(value);
      };
    }
    if (operator === '+') return operand;
    return (run) => {
      const value = operand(run);
      run.at = at;
      return operators.negate(value);
    };
  }

  private binary(node: BinaryNode): Step {
    const left = this.compile(node.left);
    const right = this.compile(node.right);
    const { at, operator } = node;
    if (operator === '??') return (run) => left(run) ?? right(run);
    if (operator === 'and' || operator === '&&') {
      return (run) => (condition(run, left, node.left.at) ? right(run) : false);
    }
    if (operator === 'or' || operator === '||') {
      return (run) => (condition(run, left, node.left.at) ? true : right(run));
    }
    const apply = binaryOperation(operator);
    return (run) => {
      const a = left(run);
      const b = right(run);
      run.at = at;
      return apply(a, b, run);
    };
  }

  private member(node: MemberNode): Step {
    const base = this.compile(node.node);
    const { at, optional } = node;
    const read = (run: Run, from: unknown, key: unknown): unknown => {
      if (from === BREAK) return BREAK;
      if (optional && isNil(from)) return BREAK;
      run.at = at;
      return fetch(from, key);
    };
    if (node.property.kind === 'string') {
      const key = node.property.value;
      return (run) => read(run, base(run), key);
    }
    const property = this.compile(node.property);
    return (run) => {
      const from = base(run);
      if (from === BREAK || (optional && isNil(from))) return BREAK;
      return read(run, from, property(run));
    };
  }

  private slice(target: Node, from: Node | undefined, to: Node | undefined, at: number): Step {
    const value = this.compile(target);
    const start = from ? this.compile(from) : undefined;
    const end = to ? this.compile(to) : undefined;
    return (run) => {
      const whole = value(run);
      const b = end?.(run);
      const a = start?.(run);
      run.at = at;
      return slice(whole, a, b);
    };
  }

  private call(calleeNode: Node, argNodes: readonly Node[], at: number): Step {
    const callee = this.compile(calleeNode);
    const args = argNodes.map(this.compile);
    return (run) => {
      const values = args.map((arg) => arg(run));
      const target = callee(run);
      if (target === BREAK) return BREAK;
      run.at = at;
      if (isNil(target)) throw new ExpressionError('invalid operation: cannot call nil');
      if (!(target instanceof GoFunction)) {
        throw new ExpressionError(`invalid operation: cannot call non-function of type ${goTypeName(target)}`);
      }
      run.budget.spend(1);
      return target.call(values, run.budget) ?? null;
    };
  }

  private builtin(node: BuiltinNode): Step {
    const looped = compilePredicateBuiltin(node, this.compile);
    if (looped) return looped;
    const args = node.args.map(this.compile);
    const { at, name } = node;
    return (run) => {
      const values = args.map((arg) => arg(run));
      run.at = at;
      return callBuiltin(name, values, run.budget);
    };
  }

  private declaration(name: string, valueNode: Node, bodyNode: Node): Step {
    const value = this.compile(valueNode);
    const slot = this.names.push(name) - 1;
    const body = this.compile(bodyNode);
    this.names[slot] = '';
    return (run) => {
      run.variables[slot] = value(run);
      return body(run);
    };
  }

  private sequence(nodes: readonly Node[]): Step {
    const steps = nodes.map(this.compile);
    return (run) => {
      let last: unknown = null;
      for (const step of steps) last = step(run);
      return last;
    };
  }

  private conditional(testNode: Node, thenNode: Node, otherwiseNode: Node): Step {
    const test = this.compile(testNode);
    const then = this.compile(thenNode);
    const otherwise = this.compile(otherwiseNode);
    return (run) => (condition(run, test, testNode.at) ? then(run) : otherwise(run));
  }

  private array(items: readonly Node[], at: number): Step {
    const steps = items.map(this.compile);
    return (run) => {
      run.at = at;
      run.budget.allocate(steps.length);
      return steps.map((step) => step(run));
    };
  }

  private map(pairs: readonly { readonly key: Node; readonly value: Node }[], at: number): Step {
    const steps = pairs.map(({ key, value }) => ({ key: this.compile(key), value: this.compile(value) }));
    return (run) => {
      run.at = at;
      run.budget.allocate(steps.length);
      const record = newRecord();
      for (const step of steps) {
        const key = step.key(run);
        const value = step.value(run);
        run.at = at;
        if (typeof key !== 'string') {
          throw new ExpressionError(`interface conversion: interface {} is ${goTypeName(key)}, not string`);
        }
        record[key] = value;
      }
      return record;
    };
  }
}

function condition(run: Run, step: Step, at: number): boolean {
  const value = step(run);
  run.at = at;
  return operators.asBool(value);
}

function pointer(name: string): Step {
  if (name === 'index') return (run) => run.scope?.index ?? 0;
  if (name === 'acc') return (run) => run.scope?.accumulator ?? null;
  if (name !== '') throw new ExpressionError(`unknown pointer #${name}`, 'compile');
  return (run) => run.scope?.item ?? null;
}

type BinaryOperation = (left: unknown, right: unknown, run: Run) => unknown;

const BINARY_OPERATIONS: Readonly<Record<string, BinaryOperation>> = {
  '==': equal,
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare('<', a, b) < 0,
  '<=': (a, b) => compare('<=', a, b) <= 0,
  '>': (a, b) => compare('>', a, b) > 0,
  '>=': (a, b) => compare('>=', a, b) >= 0,
  '+': operators.add,
  '-': operators.subtract,
  '*': operators.multiply,
  '/': operators.divide,
  '%': operators.modulo,
  '**': operators.power,
  '^': operators.power,
  in: (a, b, run) => {
    if (Array.isArray(b)) run.budget.spend(b.length);
    return contains(a, b);
  },
  '..': (a, b, run) => run.budget.range(toIndex(a), toIndex(b)),
};

function binaryOperation(operator: string): BinaryOperation {
  return BINARY_OPERATIONS[operator] ?? ((a, b) => operators.onStrings(operator, a, b));
}

/** Turns a checked tree into a function; the tree's depth is bounded by the parser. */
export const compileNode = (node: Node): Step => new Compiler().compile(node);
