import { ExpressionError } from '../errors.js';
import { goTypeName, isArray } from '../golang/values.js';
import { type BuiltinNode } from './ast.js';
import { type Compile, type LoopScope, type Run, type Step } from './compile.js';
import { add, asBool } from './operators.js';
import { sortByKey } from './sorting.js';

/** One loop of a predicate builtin: its array, and the predicate for the element at an index. */
interface Loop {
  readonly items: readonly unknown[];
  readonly run: Run;
  readonly scope: LoopScope;
  test(index: number): boolean;
  value(index: number): unknown;
}

type LoopOperation = (loop: Loop) => unknown;

function firstIndex(loop: Loop): number {
  for (let i = 0; i < loop.items.length; i++) if (loop.test(i)) return i;
  return -1;
}

function lastIndex(loop: Loop): number {
  for (let i = loop.items.length - 1; i >= 0; i--) if (loop.test(i)) return i;
  return -1;
}

function countMatches(loop: Loop): number {
  let count = 0;
  for (let i = 0; i < loop.items.length; i++) if (loop.test(i)) count++;
  return count;
}

function groupBy(loop: Loop): unknown {
  const groups = new Map<unknown, unknown[]>();
  loop.items.forEach((item, i) => {
    const key = loop.value(i);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  });
  loop.run.budget.allocate(loop.items.length);
  return groups;
}

function indexOrNil(index: number): unknown {
  return index < 0 ? null : index;
}

const LOOPS: Readonly<Record<string, LoopOperation>> = {
  all: (loop) => loop.items.every((_, i) => loop.test(i)),
  none: (loop) => firstIndex(loop) < 0,
  any: (loop) => firstIndex(loop) >= 0,
  one: (loop) => countMatches(loop) === 1,
  count: countMatches,
  filter: (loop) => {
    const kept = loop.items.filter((_, i) => loop.test(i));
    loop.run.budget.allocate(kept.length);
    return kept;
  },
  map: (loop) => {
    loop.run.budget.allocate(loop.items.length);
    return loop.items.map((_, i) => loop.value(i));
  },
  sum: (loop) => {
    let total: unknown = 0;
    for (let i = 0; i < loop.items.length; i++) total = i === 0 ? loop.value(i) : add(total, loop.value(i));
    return total;
  },
  find: (loop) => loop.items[firstIndex(loop)] ?? null,
  findLast: (loop) => loop.items[lastIndex(loop)] ?? null,
  findIndex: (loop) => indexOrNil(firstIndex(loop)),
  findLastIndex: (loop) => indexOrNil(lastIndex(loop)),
  groupBy,
};

function asItems(value: unknown): readonly unknown[] {
  if (isArray(value)) return value;
  if (value instanceof Uint8Array) return [...value];
  throw new ExpressionError(`reflect: call of reflect.Value.Len on ${goTypeName(value)} Value`);
}

function makeLoop(run: Run, items: readonly unknown[], predicate: Step | undefined): Loop {
  const scope: LoopScope = { item: null, index: 0, accumulator: null };
  const value = (index: number): unknown => {
    run.budget.spend(1);
    scope.item = items[index];
    scope.index = index;
    if (!predicate) return scope.item;
    const outer = run.scope;
    run.scope = scope;
    const result = predicate(run);
    run.scope = outer;
    return result;
  };
  return { items, run, scope, value, test: (index) => asBool(value(index)) };
}

function compileSortBy(node: BuiltinNode, array: Step, predicate: Step, order: Step | undefined): Step {
  return (run) => {
    const items = asItems(array(run));
    const loop = makeLoop(run, items, predicate);
    const keys = items.map((_, i) => loop.value(i));
    const direction = order?.(run);
    run.at = node.at;
    return sortByKey(items, keys, direction);
  };
}

function compileReduce(node: BuiltinNode, array: Step, predicate: Step, initial: Step | undefined): Step {
  return (run) => {
    const items = asItems(array(run));
    const loop = makeLoop(run, items, predicate);
    run.at = node.at;
    if (!initial && items.length === 0) throw new ExpressionError('reduce of empty array with no initial value');
    let start = 0;
    if (initial) loop.scope.accumulator = initial(run);
    else {
      loop.scope.accumulator = items[0];
      start = 1;
    }
    for (let i = start; i < items.length; i++) loop.scope.accumulator = loop.value(i);
    return loop.scope.accumulator;
  };
}

/** Compiles `filter`, `map`, `reduce` and their kin; undefined for a builtin without a predicate. */
export function compilePredicateBuiltin(node: BuiltinNode, compile: Compile): Step | undefined {
  const [arrayNode, predicateNode, extraNode] = node.args;
  const operation = LOOPS[node.name];
  if (!arrayNode || (!operation && node.name !== 'sortBy' && node.name !== 'reduce')) return undefined;
  const array = compile(arrayNode);
  const predicate = predicateNode ? compile(predicateNode) : undefined;
  const extra = extraNode ? compile(extraNode) : undefined;
  if (!operation) {
    if (!predicate) return undefined;
    return node.name === 'sortBy' ? compileSortBy(node, array, predicate, extra) : compileReduce(node, array, predicate, extra);
  }
  return (run) => {
    const value = array(run);
    run.at = node.at;
    return operation(makeLoop(run, asItems(value), predicate));
  };
}
