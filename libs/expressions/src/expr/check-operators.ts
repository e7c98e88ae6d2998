import { reject } from './source-error.js';
import {
  BOOL,
  DURATION,
  FLOAT,
  INT,
  INTS,
  STRING,
  takesKey,
  TIME,
  UNKNOWN,
  type StaticType,
  type TypeKind,
} from './static-type.js';

/** Operand classes of the rules: a kind, or several under one word. */
const CLASSES: Readonly<Record<string, readonly TypeKind[]>> = { number: ['int', 'float'] };
const isOf = (type: StaticType, operandClass: string): boolean => (CLASSES[operandClass] ?? [operandClass]).includes(type.kind);

/** Two operand classes and what the operator makes of them; the first rule that fits counts. */
type Rule = readonly [left: string, right: string, result: StaticType];

const BOTH_BOOL: readonly Rule[] = [['bool', 'bool', BOOL]];
const BOTH_STRING: readonly Rule[] = [['string', 'string', BOOL]];
const ORDERED: readonly Rule[] = ['number', 'string', 'time', 'duration'].map((kind) => [kind, kind, BOOL] as const);
const POWER: readonly Rule[] = [['number', 'number', FLOAT]];

const RULES: ReadonlyMap<string, readonly Rule[]> = new Map<string, readonly Rule[]>([
  [
    '+',
    [
      ['int', 'int', INT],
      ['number', 'number', FLOAT],
      ['string', 'string', STRING],
      ['time', 'duration', TIME],
      ['duration', 'time', TIME],
      ['duration', 'duration', DURATION],
    ],
  ],
  [
    '-',
    [
      ['int', 'int', INT],
      ['number', 'number', FLOAT],
      ['time', 'time', DURATION],
      ['time', 'duration', TIME],
      ['duration', 'duration', DURATION],
    ],
  ],
  [
    '*',
    [
      ['int', 'int', INT],
      ['number', 'number', FLOAT],
      ['number', 'duration', DURATION],
      ['duration', 'number', DURATION],
      ['duration', 'duration', DURATION],
    ],
  ],
  ['/', [['number', 'number', FLOAT]]],
  ['%', [['int', 'int', INT]]],
  ['**', POWER],
  ['^', POWER],
  ['..', [['int', 'int', INTS]]],
  ...['<', '<=', '>', '>='].map((operator) => [operator, ORDERED] as const),
  ...['and', '&&', 'or', '||'].map((operator) => [operator, BOTH_BOOL] as const),
  ...['contains', 'startsWith', 'endsWith', 'matches'].map((operator) => [operator, BOTH_STRING] as const),
]);

/** An operator between two types, at the offset that its faults are reported at. */
interface Operation {
  readonly operator: string;
  readonly left: StaticType;
  readonly right: StaticType;
  readonly at: number;
}

const mismatch = ({ operator, left, right, at }: Operation): never =>
  reject(`invalid operation: ${operator} (mismatched types ${left.name} and ${right.name})`, at);

function resultByRule(operation: Operation): StaticType {
  const { operator, left, right } = operation;
  const rules = RULES.get(operator) ?? [];
  const open = left.kind === 'unknown' || right.kind === 'unknown';
  const fits = (type: StaticType, operandClass: string): boolean => type.kind === 'unknown' || isOf(type, operandClass);
  const found = rules.find(([first, second]) => fits(left, first) && fits(right, second));
  if (!found) return mismatch(operation);
  const [, , result] = found;
  return open && rules.some((rule) => rule[2] !== result) ? UNKNOWN : result;
}

/** Whether two types can be compared for equality: nil and what is not known yet with anything, numbers with numbers. */
function areComparable(left: StaticType, right: StaticType): boolean {
  const anything = [left, right].some(({ kind }) => kind === 'nil' || kind === 'unknown');
  return anything || left.kind === right.kind || (isOf(left, 'number') && isOf(right, 'number'));
}

function membership(operation: Operation): StaticType {
  const { left, right, at } = operation;
  const { element = UNKNOWN } = right;
  switch (right.kind) {
    case 'unknown':
      return BOOL;
    case 'array':
      return areComparable(left, element) ? BOOL : reject(`cannot use ${left.name} as type ${element.name} in array`, at);
    case 'map':
      return takesKey(right, left) ? BOOL : reject(`cannot use ${left.name} as type string in map key`, at);
    case 'string':
      return left.kind === 'unknown' ? BOOL : mismatch(operation);
    default:
      return mismatch(operation);
  }
}

/** The type of `left operator right`; refuses operands that the operator cannot take. */
export function typeOfOperation(operation: Operation): StaticType {
  const { operator, left, right } = operation;
  if (operator === 'in') return membership(operation);
  if (operator !== '==' && operator !== '!=') return resultByRule(operation);
  return areComparable(left, right) ? BOOL : mismatch(operation);
}

/** What a prefix operator takes besides what is not known yet. */
const PREFIX_OPERANDS: Readonly<Record<string, readonly TypeKind[]>> = {
  '!': ['bool'],
  not: ['bool'],
  '-': ['int', 'float', 'duration'],
  '+': ['int', 'float', 'duration'],
};

/** The type of `operator operand`. */
export function typeOfPrefixed(operator: string, operand: StaticType, at: number): StaticType {
  const accepted = PREFIX_OPERANDS[operator] ?? [];
  const takesBool = accepted.includes('bool');
  if (operand.kind === 'unknown') return takesBool ? BOOL : UNKNOWN;
  if (accepted.includes(operand.kind)) return operand;
  return reject(`invalid operation: ${operator} (mismatched type ${operand.name})`, at);
}
