import { reject } from './source-error.js';
import {
  ANY_ARRAY,
  ANY_MAP,
  BOOL,
  common,
  DURATION,
  FLOAT,
  GROUPS,
  INT,
  LOCATION,
  STRING,
  STRINGS,
  TIME,
  UNKNOWN,
  type StaticType,
} from './static-type.js';

/** An argument as the check sees it. */
export interface Argument {
  readonly type: StaticType;
  readonly at: number;
}

/** A result that is always the same, or one that depends on the types of the arguments. */
type Result = StaticType | ((types: readonly StaticType[]) => StaticType);

/** Functions with parameters: words of PARAMETERS, `?` behind those that may be left out. */
type Declared = readonly [names: string, parameters: string, result: Result];

const sameNumber: Result = (types) => {
  const type = types.reduce(common);
  return isNumber(type) ? type : UNKNOWN;
};

const isNumber = ({ kind }: StaticType): boolean => kind === 'int' || kind === 'float';

const DECLARED: readonly Declared[] = [
  ['type string toJSON', 'any', STRING],
  ['trim trimPrefix trimSuffix', 'string string?', STRING],
  ['upper lower toBase64 fromBase64', 'string', STRING],
  ['split splitAfter', 'string string int?', STRINGS],
  ['replace', 'string string string int?', STRING],
  ['repeat', 'string int', STRING],
  ['join', 'array string?', STRING],
  ['indexOf lastIndexOf', 'string string', INT],
  ['hasPrefix hasSuffix', 'string string', BOOL],
  ['fromJSON', 'string', UNKNOWN],
  ['now', '', TIME],
  ['duration', 'string', DURATION],
  ['date', 'any? any? any?', TIME],
  ['timezone', 'string', LOCATION],
  ['get', 'any any', UNKNOWN],
  ['take', 'array int', ANY_ARRAY],
  ['sort', 'sortable string?', ANY_ARRAY],
  ['bitand bitor bitxor bitnand bitshl bitshr bitushr', 'int int', INT],
  ['bitnot', 'int', INT],
];

/** Functions over values of certain kinds: one, or where `many` one or more; `%` in the message is the type refused. */
interface Selective {
  readonly names: string;
  readonly kinds: string;
  readonly refusal: string;
  readonly result: Result;
  readonly many?: 'call' | 'count';
}

const SELECTIVE: readonly Selective[] = [
  { names: 'len', kinds: 'string bytes array map', refusal: 'invalid argument for len (type %)', result: INT },
  { names: 'abs', kinds: 'int float', refusal: 'invalid argument for abs (type %)', result: ([type = UNKNOWN]) => type },
  ...['ceil', 'floor', 'round'].map((names) => ({
    names,
    kinds: 'int float',
    refusal: `invalid argument for ${names} (type %)`,
    result: FLOAT,
  })),
  { names: 'int', kinds: 'int float string duration', refusal: 'invalid argument for int (type %)', result: INT },
  { names: 'float', kinds: 'int float string', refusal: 'invalid argument for float (type %)', result: FLOAT },
  ...[
    { names: 'max', result: sameNumber },
    { names: 'min', result: sameNumber },
    { names: 'mean', result: FLOAT },
    { names: 'median', result: FLOAT },
  ].map((row) => ({ ...row, kinds: 'numbers', refusal: `invalid argument for ${row.names} (type %)`, many: 'call' as const })),
  { names: 'first', kinds: 'array', refusal: 'cannot get first element from %', result: UNKNOWN },
  { names: 'last', kinds: 'array', refusal: 'cannot get last element from %', result: UNKNOWN },
  { names: 'keys', kinds: 'map', refusal: 'cannot get keys from %', result: ANY_ARRAY },
  { names: 'values', kinds: 'map', refusal: 'cannot get values from %', result: ANY_ARRAY },
  { names: 'toPairs', kinds: 'map', refusal: 'cannot transform % to pairs', result: ANY_ARRAY },
  { names: 'fromPairs', kinds: 'array', refusal: 'cannot transform % from pairs', result: ANY_MAP },
  { names: 'reverse', kinds: 'array', refusal: 'cannot reverse %', result: ANY_ARRAY },
  { names: 'uniq', kinds: 'array', refusal: 'cannot uniq %', result: ANY_ARRAY },
  { names: 'flatten', kinds: 'array', refusal: 'cannot flatten %', result: ANY_ARRAY },
  { names: 'concat', kinds: 'array', refusal: 'cannot concat %', result: ANY_ARRAY, many: 'count' },
];

/** What a declared parameter takes, and how messages call it (nil has its own wording). */
interface Parameter {
  readonly kind: string;
  readonly name: string;
  readonly nameForNil?: string;
}

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  any: { kind: 'any', name: 'interface {}' },
  string: { kind: 'string', name: 'string' },
  int: { kind: 'int', name: 'int' },
  array: { kind: 'array', name: '[]interface {}' },
  sortable: { kind: 'array', name: '[]interface {}', nameForNil: '[]int' },
};

type Signature = (args: readonly Argument[], at: number) => StaticType;

const resultOf = (result: Result, args: readonly Argument[]): StaticType =>
  typeof result === 'function' ? result(args.map(({ type }) => type)) : result;

function checkParameter(name: string, parameter: Parameter, { type, at }: Argument): void {
  if (parameter.kind === 'any' || type.kind === 'unknown' || type.kind === parameter.kind) return;
  const given = type.kind === 'nil' ? 'nil' : type.name;
  const wanted = type.kind === 'nil' ? (parameter.nameForNil ?? parameter.name) : parameter.name;
  reject(`cannot use ${given} as argument (type ${wanted}) to call ${name}`, at);
}

function declaredSignature(name: string, words: readonly string[], result: Result): Signature {
  const parameters = words.map((word) => PARAMETERS[word.replace('?', '')] ?? { kind: 'any', name: word });
  const least = words.filter((word) => !word.endsWith('?')).length;
  return (args, at) => {
    if (args.length < least) reject(`not enough arguments to call ${name}`, at);
    if (args.length > parameters.length) reject(`too many arguments to call ${name}`, at);
    parameters.forEach((parameter, i) => {
      const arg = args[i];
      if (arg) checkParameter(name, parameter, arg);
    });
    return resultOf(result, args);
  };
}

/** The first type in it that is neither a number nor an array of such. */
function notNumeric(type: StaticType): StaticType | undefined {
  if (type.kind === 'unknown' || isNumber(type)) return undefined;
  return type.kind === 'array' ? notNumeric(type.element ?? UNKNOWN) : type;
}

function selectiveSignature(name: string, { kinds, refusal, result, many }: Selective): Signature {
  const accepted = new Set(['unknown', ...kinds.split(' ')]);
  const refused = (type: StaticType): StaticType | undefined => {
    if (kinds === 'numbers') return notNumeric(type);
    return accepted.has(type.kind) ? undefined : type;
  };
  return (args, at) => {
    if (args.length === 0 && many === 'call') reject(`not enough arguments to call ${name}`, at);
    if (args.length === 0 || (!many && args.length > 1)) {
      reject(`invalid number of arguments (expected ${many ? 'at least 1' : '1'}, got ${args.length})`, at);
    }
    for (const { type } of args) {
      const wrong = refused(type);
      if (wrong)
        reject(
          refusal.replace('%', () => (wrong.kind === 'nil' ? '%!s(<nil>)' : wrong.name)),
          at,
        );
    }
    return resultOf(result, args);
  };
}

const SIGNATURES: ReadonlyMap<string, Signature> = new Map([
  ...DECLARED.flatMap(([names, parameters, result]) =>
    names.split(' ').map((name) => [name, declaredSignature(name, parameters.split(' ').filter(Boolean), result)] as const),
  ),
  ...SELECTIVE.map((row) => [row.names, selectiveSignature(row.names, row)] as const),
]);

/** The type of a call of a builtin without predicate; refuses wrong numbers and types of arguments. */
export function typeOfBuiltinCall(name: string, args: readonly Argument[], at: number): StaticType {
  return SIGNATURES.get(name)?.(args, at) ?? reject(`unknown builtin ${name}`, at);
}

/** What a builtin with a predicate gives, by the type of an element and of the predicate's value. */
interface Loop {
  /** Whether the predicate must be a bool. */
  readonly tests: boolean;
  /** What the predicate may read besides `#`. */
  readonly pointers?: Readonly<Record<string, StaticType>>;
  readonly result: (element: StaticType, value: StaticType) => StaticType;
}

const testing = (result: Loop['result']): Loop => ({ tests: true, result });
const mapping = (result: Loop['result'], pointers: Loop['pointers'] = {}): Loop => ({ tests: false, result, pointers });

const LOOPS: ReadonlyMap<string, Loop> = new Map([
  ...['all', 'none', 'any', 'one'].map((name) => [name, testing(() => BOOL)] as const),
  ...['count', 'findIndex', 'findLastIndex'].map((name) => [name, testing(() => INT)] as const),
  ...['find', 'findLast'].map((name) => [name, testing((element) => element)] as const),
  ['filter', testing((element) => ({ ...ANY_ARRAY, element }))],
  ['map', mapping((_, value) => ({ ...ANY_ARRAY, element: value }), { index: INT })],
  ['sum', mapping((_, value) => value)],
  ['reduce', mapping((_, value) => value, { index: INT, acc: UNKNOWN })],
  ['groupBy', mapping(() => GROUPS)],
  ['sortBy', mapping((element) => ({ ...ANY_ARRAY, element }))],
]);

/** Whether the builtin goes over an array with a predicate. */
export const isLoop = (name: string): boolean => LOOPS.has(name);

/** The type of an element that a loop builtin goes over. */
export function elementOf(name: string, { type, at }: Argument): StaticType {
  if (type.kind === 'array') return type.element ?? UNKNOWN;
  return type.kind === 'unknown' ? UNKNOWN : reject(`builtin ${name} takes only array (got ${type.name})`, at);
}

/** What `#`, `#index` and `#acc` are in the predicate of a loop builtin, by their names without `#`. */
export const pointersOf = (name: string, element: StaticType): ReadonlyMap<string, StaticType> =>
  new Map([['', element], ...Object.entries(LOOPS.get(name)?.pointers ?? {})]);

/** The type of a call of a loop builtin; without a predicate the elements stand for its values. */
export function typeOfLoop(name: string, element: StaticType, predicate: Argument | undefined): StaticType {
  const loop = LOOPS.get(name);
  if (!loop) return UNKNOWN;
  const value = predicate?.type ?? element;
  if (loop.tests && predicate && value.kind !== 'bool' && value.kind !== 'unknown') {
    reject(`predicate should return boolean (got ${value.name})`, predicate.at);
  }
  return loop.result(element, value);
}
