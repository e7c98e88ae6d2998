import { type BuiltinNode, type Node } from './ast.js';
import { reject, type Checker } from './check.js';
import {
  ANY_ARRAY,
  arrayOf,
  BOOL,
  DURATION,
  FLOAT,
  INT,
  isNumeric,
  STRING,
  TIME,
  UNKNOWN,
  type StaticType,
  type TypeKind,
} from './static-type.js';

/** How Go's `%s` shows a type that is nil. */
const goName = (type: StaticType): string =>
  type.kind === 'nil' ? '%!s(<nil>)' : type.kind === 'unknown' ? 'interface {}' : type.name;

/** A builtin whose single argument must be of some kinds. */
interface OneArgument {
  readonly kinds: readonly TypeKind[];
  readonly complaint: (type: StaticType, name: string) => string;
  readonly result: (type: StaticType) => StaticType;
}

const invalidArgument = (type: StaticType, name: string): string => `invalid argument for ${name} (type ${goName(type)})`;
const always = (type: StaticType) => (): StaticType => type;
const numberArgument = (result: (type: StaticType) => StaticType): OneArgument => ({
  kinds: ['int', 'float', 'duration'],
  complaint: invalidArgument,
  result,
});

const ONE_ARGUMENT: Readonly<Record<string, OneArgument>> = {
  len: { kinds: ['string', 'array', 'map', 'bytes', 'other'], complaint: invalidArgument, result: always(INT) },
  abs: numberArgument((type) => type),
  ceil: numberArgument(always(FLOAT)),
  floor: numberArgument(always(FLOAT)),
  round: numberArgument(always(FLOAT)),
  int: { kinds: ['int', 'float', 'string', 'duration'], complaint: invalidArgument, result: always(INT) },
  float: { kinds: ['int', 'float', 'string', 'duration'], complaint: invalidArgument, result: always(FLOAT) },
  first: { kinds: ['array'], complaint: (type) => `cannot get first element from ${goName(type)}`, result: always(UNKNOWN) },
  last: { kinds: ['array'], complaint: (type) => `cannot get last element from ${goName(type)}`, result: always(UNKNOWN) },
  keys: { kinds: ['map', 'other'], complaint: (type) => `cannot get keys from ${goName(type)}`, result: always(ANY_ARRAY) },
  values: { kinds: ['map', 'other'], complaint: (type) => `cannot get values from ${goName(type)}`, result: always(ANY_ARRAY) },
  toPairs: {
    kinds: ['map', 'other'],
    complaint: (type) => `cannot transform ${goName(type)} to pairs`,
    result: always(ANY_ARRAY),
  },
  fromPairs: {
    kinds: ['array'],
    complaint: (type) => `cannot transform ${goName(type)} from pairs`,
    result: always({ kind: 'other', name: 'map[interface {}]interface {}' }),
  },
  reverse: { kinds: ['array'], complaint: (type) => `cannot reverse ${goName(type)}`, result: always(ANY_ARRAY) },
  uniq: { kinds: ['array'], complaint: (type) => `cannot uniq ${goName(type)}`, result: always(ANY_ARRAY) },
  flatten: { kinds: ['array'], complaint: (type) => `cannot flatten ${goName(type)}`, result: always(ANY_ARRAY) },
};

/** Builtins with fixed parameters: one letter per parameter (s string, i int, a anything, l array), optional ones behind `?`. */
const SIGNATURES: Readonly<Record<string, readonly [parameters: string, result: StaticType]>> = {
  type: ['a', STRING],
  string: ['a', STRING],
  trim: ['s?s', STRING],
  trimPrefix: ['s?s', STRING],
  trimSuffix: ['s?s', STRING],
  upper: ['s', STRING],
  lower: ['s', STRING],
  split: ['ss?i', arrayOf(STRING, '[]string')],
  splitAfter: ['ss?i', arrayOf(STRING, '[]string')],
  replace: ['sss?i', STRING],
  repeat: ['si', STRING],
  join: ['l?s', STRING],
  indexOf: ['ss', INT],
  lastIndexOf: ['ss', INT],
  hasPrefix: ['ss', BOOL],
  hasSuffix: ['ss', BOOL],
  toJSON: ['a', STRING],
  fromJSON: ['s', UNKNOWN],
  toBase64: ['s', STRING],
  fromBase64: ['s', STRING],
  now: ['', TIME],
  duration: ['s', DURATION],
  date: ['?aaa', TIME],
  timezone: ['s', { kind: 'other', name: '*time.Location' }],
  get: ['aa', UNKNOWN],
  take: ['li', ANY_ARRAY],
  sort: ['l?s', ANY_ARRAY],
  bitand: ['ii', INT],
  bitor: ['ii', INT],
  bitxor: ['ii', INT],
  bitnand: ['ii', INT],
  bitshl: ['ii', INT],
  bitshr: ['ii', INT],
  bitushr: ['ii', INT],
  bitnot: ['i', INT],
};
const PARAMETERS: Readonly<Record<string, { readonly kind: TypeKind; readonly name: string }>> = {
  s: { kind: 'string', name: 'string' },
  i: { kind: 'int', name: 'int' },
  l: { kind: 'array', name: '[]interface {}' },
};

function checkParameters(node: BuiltinNode, parameters: string, types: readonly StaticType[]): void {
  const [required = '', optional = ''] = parameters.split('?');
  const letters = required + optional;
  if (types.length > letters.length) reject(`too many arguments to call ${node.name}`, node.at);
  if (types.length < required.length) reject(`not enough arguments to call ${node.name}`, node.at);
  types.forEach((type, i) => {
    const wanted = PARAMETERS[letters.charAt(i)];
    if (!wanted || type.kind === 'unknown' || type.kind === wanted.kind) return;
    const at = node.args[i]?.at ?? node.at;
    const given = type.kind === 'nil' ? 'nil' : type.name;
    const tail = type.kind === 'nil' ? '' : ' ';
    const name = node.name === 'sort' && type.kind === 'nil' ? '[]int' : wanted.name;
    reject(`cannot use ${given} as argument (type ${name}) to call ${node.name}${tail}`, at);
  });
}

function checkAggregate(node: BuiltinNode, types: readonly StaticType[]): StaticType {
  if (types.length === 0) return reject(`not enough arguments to call ${node.name}`, node.at);
  const numbers = types.map((type) => (type.kind === 'array' ? (type.element ?? UNKNOWN) : type));
  for (const type of numbers) {
    if (!isNumeric(type) && type.kind !== 'unknown') reject(invalidArgument(type, node.name), node.at);
  }
  if (node.name === 'mean' || node.name === 'median') return FLOAT;
  const [first] = numbers;
  return first && numbers.every(({ kind }) => kind === first.kind) ? first : UNKNOWN;
}

function checkConcat(node: BuiltinNode, types: readonly StaticType[]): StaticType {
  if (types.length === 0) return reject('invalid number of arguments (expected at least 1, got 0)', node.at);
  for (const type of types) {
    if (type.kind !== 'array' && type.kind !== 'unknown') reject(`cannot concat ${goName(type)}`, node.at);
  }
  return ANY_ARRAY;
}

const AGGREGATES = new Set(['max', 'min', 'mean', 'median']);
const PREDICATE_RESULTS: Readonly<Record<string, StaticType>> = {
  all: BOOL,
  none: BOOL,
  any: BOOL,
  one: BOOL,
  count: INT,
  findIndex: INT,
  findLastIndex: INT,
};
const CONDITIONS = new Set(['all', 'none', 'any', 'one', 'filter', 'count', 'find', 'findLast', 'findIndex', 'findLastIndex']);
const LOOPS = new Set([...CONDITIONS, 'map', 'sum', 'groupBy', 'sortBy', 'reduce']);

function checkLoop(checker: Checker, node: BuiltinNode): StaticType {
  const [arrayNode, predicateNode, extra] = node.args as readonly [Node, Node?, Node?];
  const collection = checker.visit(arrayNode);
  if (collection.kind !== 'array' && collection.kind !== 'unknown') {
    reject(`builtin ${node.name} takes only array (got ${collection.name})`, arrayNode.at);
  }
  const element = collection.element ?? UNKNOWN;
  const names = new Map<string, StaticType>();
  if (node.name === 'map' || node.name === 'reduce') names.set('index', INT);
  if (node.name === 'reduce') names.set('acc', UNKNOWN);
  const result = predicateNode ? checker.predicate(predicateNode, { element, names }) : undefined;
  if (extra) checker.visit(extra);
  if (result && predicateNode && CONDITIONS.has(node.name) && result.kind !== 'bool' && result.kind !== 'unknown') {
    reject(`predicate should return boolean (got ${result.name})`, predicateNode.at);
  }
  return loopResult(node.name, collection, result);
}

function loopResult(name: string, collection: StaticType, result: StaticType | undefined): StaticType {
  const element = collection.element ?? UNKNOWN;
  switch (name) {
    case 'filter':
    case 'sortBy':
      return arrayOf(element);
    case 'map':
      return arrayOf(result ?? UNKNOWN);
    case 'sum':
    case 'reduce':
      return result ?? element;
    case 'groupBy':
      return { kind: 'other', name: 'map[interface {}][]interface {}' };
    default:
      return PREDICATE_RESULTS[name] ?? element;
  }
}

/** Checks a call of a builtin and gives the type of its result. */
export function checkBuiltin(checker: Checker, node: BuiltinNode): StaticType {
  const { name, at } = node;
  if (LOOPS.has(name)) return checkLoop(checker, node);
  const types = node.args.map(checker.visit);
  const single = ONE_ARGUMENT[name];
  if (single) {
    const [type] = types;
    if (!type || types.length > 1) return reject(`invalid number of arguments (expected 1, got ${types.length})`, at);
    if (type.kind === 'unknown') return single.result(name === 'abs' ? UNKNOWN : type);
    return single.kinds.includes(type.kind) ? single.result(type) : reject(single.complaint(type, name), at);
  }
  if (AGGREGATES.has(name)) return checkAggregate(node, types);
  if (name === 'concat') return checkConcat(node, types);
  const signature = SIGNATURES[name];
  if (!signature) return UNKNOWN;
  checkParameters(node, signature[0], types);
  return signature[1];
}
