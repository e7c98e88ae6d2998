/** The kinds of tokens, by the names that govaluate's messages give them. */
export type WhenTokenKind =
  | 'UNKNOWN'
  | 'PREFIX'
  | 'NUMERIC'
  | 'BOOLEAN'
  | 'STRING'
  | 'TIME'
  | 'VARIABLE'
  | 'SEPARATOR'
  | 'COMPARATOR'
  | 'LOGICALOP'
  | 'MODIFIER'
  | 'CLAUSE'
  | 'CLAUSE_CLOSE'
  | 'TERNARY';

/** A token; `value` is a number for NUMERIC and TIME (unix seconds), a boolean for BOOLEAN, else text. */
export interface WhenToken {
  readonly kind: WhenTokenKind;
  readonly value: string | number | boolean | null;
}

/** Go's `%v` of a token value. */
export const showToken = (value: WhenToken['value']): string => (value === null ? '<nil>' : String(value));

const kinds = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const OPERANDS = 'NUMERIC BOOLEAN VARIABLE STRING TIME CLAUSE';
const BEHIND_OPERAND = kinds('MODIFIER COMPARATOR LOGICALOP CLAUSE_CLOSE TERNARY SEPARATOR');
const BEHIND_OPERATOR = kinds(`PREFIX ${OPERANDS} CLAUSE_CLOSE`);

/** Which kinds may follow a kind. Not every order that makes no sense is refused: neither does the original. */
export const FOLLOWERS: Readonly<Record<WhenTokenKind, ReadonlySet<string>>> = {
  UNKNOWN: kinds(`PREFIX ${OPERANDS}`),
  CLAUSE: BEHIND_OPERATOR,
  CLAUSE_CLOSE: kinds(`COMPARATOR MODIFIER LOGICALOP TERNARY SEPARATOR CLAUSE_CLOSE ${OPERANDS}`),
  NUMERIC: BEHIND_OPERAND,
  BOOLEAN: BEHIND_OPERAND,
  STRING: BEHIND_OPERAND,
  TIME: BEHIND_OPERAND,
  VARIABLE: BEHIND_OPERAND,
  MODIFIER: kinds('PREFIX NUMERIC VARIABLE STRING BOOLEAN CLAUSE CLAUSE_CLOSE'),
  COMPARATOR: BEHIND_OPERATOR,
  LOGICALOP: BEHIND_OPERATOR,
  PREFIX: kinds('NUMERIC BOOLEAN VARIABLE CLAUSE CLAUSE_CLOSE'),
  TERNARY: kinds(`PREFIX ${OPERANDS} SEPARATOR`),
  SEPARATOR: kinds(`PREFIX ${OPERANDS}`),
};

/** Kinds that an expression may end with. */
export const LAST: ReadonlySet<string> = kinds('CLAUSE_CLOSE NUMERIC BOOLEAN STRING TIME VARIABLE');

/** Operators by kind; a prefix is one only where a prefix may stand. */
export const OPERATORS: readonly (readonly [kind: WhenTokenKind, symbols: ReadonlySet<string>])[] = [
  ['PREFIX', kinds('- ! ~')],
  ['MODIFIER', kinds('+ - * / % ** & | ^ >> <<')],
  ['LOGICALOP', kinds('&& ||')],
  ['COMPARATOR', kinds('== != > >= < <= =~ !~')],
  ['TERNARY', kinds('? : ??')],
];
