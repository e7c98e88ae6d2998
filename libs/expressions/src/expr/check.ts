import { ExpressionError } from '../errors.js';
import { compileRegexp } from '../golang/regexp.js';
import { lookup, type GoRecord } from '../golang/values.js';
import { type BinaryNode, type BuiltinNode, type MemberNode, type Node } from './ast.js';
import { typeOfMember, typeOfSlice } from './check-access.js';
import { elementOf, isLoop, pointersOf, typeOfBuiltinCall, typeOfLoop, type Argument } from './check-builtins.js';
import { typeOfOperation, typeOfPrefixed } from './check-operators.js';
import { reject } from './source-error.js';
import {
  ANY_ARRAY,
  arrayOf,
  BOOL,
  BYTES,
  common,
  either,
  FLOAT,
  INT,
  MAP,
  NIL,
  STRING,
  typeOfValue,
  UNKNOWN,
  type StaticType,
} from './static-type.js';

/** What names mean at a place of an expression. */
interface Surroundings {
  readonly env: GoRecord;
  /** Whether names that the environment does not have are refused. */
  readonly strict: boolean;
  readonly variables: ReadonlyMap<string, StaticType>;
  /** What `#`, `#index` and `#acc` are in the predicate around. */
  readonly pointers: ReadonlyMap<string, StaticType>;
}

type NodeOf<K extends Node['kind']> = Extract<Node, { kind: K }>;
type Inference<N extends Node> = (node: N, around: Surroundings) => StaticType;

const isWholeEnvironment = (node: Node, { variables }: Surroundings): boolean =>
  node.kind === 'identifier' && node.name === '$env' && !variables.has('$env');

function nameInEnvironment(name: string, at: number, { env, strict }: Surroundings): StaticType {
  if (Object.hasOwn(env, name)) return typeOfValue(lookup(env, name));
  return strict ? reject(`unknown name ${name}`, at) : UNKNOWN;
}

function inferIdentifier(node: NodeOf<'identifier'>, around: Surroundings): StaticType {
  if (isWholeEnvironment(node, around)) return UNKNOWN;
  return around.variables.get(node.name) ?? nameInEnvironment(node.name, node.at, around);
}

function checkPattern(pattern: string, at: number): void {
  try {
    compileRegexp(pattern);
  } catch (error) {
    if (error instanceof ExpressionError) reject(error.message, at);
    throw error;
  }
}

/** Faults that can be seen in the operands themselves. */
function checkConstants({ operator, left, right, at }: BinaryNode): void {
  if (operator === 'matches' && right.kind === 'string') checkPattern(right.value, at);
  if (operator === '%' && left.kind === 'int' && right.kind === 'int' && right.value === 0) reject('integer divide by zero', at);
}

function inferBinary(node: BinaryNode, around: Surroundings): StaticType {
  const left = infer(node.left, around);
  const right = infer(node.right, around);
  if (node.operator === '??') return either(left, right);
  checkConstants(node);
  return typeOfOperation({ operator: node.operator, left, right, at: node.at });
}

function inferMember(node: MemberNode, around: Surroundings): StaticType {
  const base = infer(node.node, around);
  const key = infer(node.property, around);
  if (node.property.kind === 'string' && isWholeEnvironment(node.node, around)) {
    return nameInEnvironment(node.property.value, node.at, node.optional ? { ...around, strict: false } : around);
  }
  return typeOfMember(node, base, key);
}

function inferSlice(node: NodeOf<'slice'>, around: Surroundings): StaticType {
  const base = infer(node.node, around);
  const bounds = [node.from, node.to].filter((bound) => bound !== undefined);
  return typeOfSlice(
    base,
    node.at,
    bounds.map((bound) => ({ type: infer(bound, around), at: bound.at })),
  );
}

function inferCall(node: NodeOf<'call'>, around: Surroundings): StaticType {
  const { callee, args, at } = node;
  const type = infer(callee, around);
  if (type.kind === 'nil') {
    const name = callee.kind === 'identifier' ? callee.name : 'nil';
    reject(`${name} is nil; cannot call nil as function`, at);
  }
  if (type.kind !== 'func' && type.kind !== 'unknown') reject(`${type.name} is not callable`, at);
  for (const arg of args) infer(arg, around);
  return UNKNOWN;
}

const asArgument = (node: Node, around: Surroundings): Argument => ({ type: infer(node, around), at: node.at });

function inferLoop({ name, args }: BuiltinNode, around: Surroundings): StaticType {
  const [array, predicate, ...extra] = args;
  if (!array) return UNKNOWN;
  const element = elementOf(name, asArgument(array, around));
  const value = predicate && asArgument(predicate, { ...around, pointers: pointersOf(name, element) });
  for (const node of extra) infer(node, around);
  return typeOfLoop(name, element, value);
}

function inferBuiltin(node: BuiltinNode, around: Surroundings): StaticType {
  if (isLoop(node.name)) return inferLoop(node, around);
  const args = node.args.map((arg) => asArgument(arg, around));
  return typeOfBuiltinCall(node.name, args, node.at);
}

function inferLet({ name, value, body, at }: NodeOf<'let'>, around: Surroundings): StaticType {
  if (Object.hasOwn(around.env, name)) reject(`cannot redeclare ${name}`, at);
  if (around.variables.has(name)) reject(`cannot redeclare variable ${name}`, at);
  const variables = new Map(around.variables).set(name, infer(value, around));
  return infer(body, { ...around, variables });
}

function inferConditional({ test, then, otherwise }: NodeOf<'conditional'>, around: Surroundings): StaticType {
  const type = infer(test, around);
  if (type.kind !== 'bool' && type.kind !== 'unknown') {
    reject(`non-bool expression (type ${type.name}) used as condition`, test.at);
  }
  return either(infer(then, around), infer(otherwise, around));
}

function inferArray({ items }: NodeOf<'array'>, around: Surroundings): StaticType {
  const types = items.map((item) => infer(item, around));
  return types.length === 0 ? ANY_ARRAY : arrayOf(types.reduce(common));
}

function inferMap({ pairs }: NodeOf<'map'>, around: Surroundings): StaticType {
  for (const { key, value } of pairs) {
    infer(key, around);
    infer(value, around);
  }
  return MAP;
}

const INFERENCES: { readonly [K in Node['kind']]: Inference<NodeOf<K>> } = {
  nil: () => NIL,
  int: () => INT,
  float: () => FLOAT,
  bool: () => BOOL,
  string: () => STRING,
  bytes: () => BYTES,
  identifier: inferIdentifier,
  unary: ({ operator, operand, at }, around) => typeOfPrefixed(operator, infer(operand, around), at),
  binary: inferBinary,
  chain: ({ node }, around) => infer(node, around),
  member: inferMember,
  slice: inferSlice,
  call: inferCall,
  builtin: inferBuiltin,
  predicate: ({ node }, around) => infer(node, around),
  pointer: ({ name, at }, { pointers }) => pointers.get(name) ?? reject(`unknown pointer #${name}`, at),
  let: inferLet,
  sequence: ({ nodes }, around) => nodes.reduce<StaticType>((_, node) => infer(node, around), NIL),
  conditional: inferConditional,
  array: inferArray,
  map: inferMap,
};

function infer(node: Node, around: Surroundings): StaticType {
  return (INFERENCES[node.kind] as Inference<Node>)(node, around);
}

/** Checks names, operators, members and calls of a tree against an environment; throws LocatedError. */
export function checkTypes(tree: Node, env: GoRecord, strict: boolean): void {
  infer(tree, { env, strict, variables: new Map(), pointers: new Map() });
}
