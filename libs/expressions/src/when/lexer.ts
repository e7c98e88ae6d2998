import { ExpressionError } from '../errors.js';
import { regexpMatches } from '../golang/regexp.js';
import { parseGovaluateTime } from './times.js';

export type WhenTokenKind =
  | 'UNKNOWN'
  | 'PREFIX'
  | 'NUMERIC'
  | 'BOOLEAN'
  | 'STRING'
  | 'PATTERN'
  | 'TIME'
  | 'VARIABLE'
  | 'SEPARATOR'
  | 'COMPARATOR'
  | 'LOGICALOP'
  | 'MODIFIER'
  | 'CLAUSE'
  | 'CLAUSE_CLOSE'
  | 'TERNARY';

/** A govaluate token; `value` is a number for NUMERIC and TIME (unix seconds), a boolean for BOOLEAN, else text. */
export interface WhenToken {
  readonly kind: WhenTokenKind;
  readonly value: string | number | boolean | null;
}

const VALUE_KINDS: readonly WhenTokenKind[] = ['NUMERIC', 'BOOLEAN', 'VARIABLE', 'PATTERN', 'STRING', 'TIME', 'CLAUSE'];
const START: readonly WhenTokenKind[] = ['PREFIX', ...VALUE_KINDS];
const AFTER_VALUE: readonly WhenTokenKind[] = ['MODIFIER', 'COMPARATOR', 'LOGICALOP', 'CLAUSE_CLOSE', 'TERNARY', 'SEPARATOR'];

const NEXT: Readonly<Record<WhenTokenKind, readonly WhenTokenKind[]>> = {
  UNKNOWN: START,
  CLAUSE: [...START, 'CLAUSE_CLOSE'],
  CLAUSE_CLOSE: [
    'COMPARATOR',
    'MODIFIER',
    'NUMERIC',
    'BOOLEAN',
    'VARIABLE',
    'STRING',
    'PATTERN',
    'TIME',
    'CLAUSE',
    'CLAUSE_CLOSE',
    'LOGICALOP',
    'TERNARY',
    'SEPARATOR',
  ],
  NUMERIC: AFTER_VALUE,
  BOOLEAN: AFTER_VALUE,
  STRING: AFTER_VALUE,
  TIME: AFTER_VALUE,
  PATTERN: AFTER_VALUE,
  VARIABLE: AFTER_VALUE,
  MODIFIER: ['PREFIX', 'NUMERIC', 'VARIABLE', 'STRING', 'BOOLEAN', 'CLAUSE', 'CLAUSE_CLOSE'],
  COMPARATOR: [...START, 'CLAUSE_CLOSE'],
  LOGICALOP: [...START, 'CLAUSE_CLOSE'],
  PREFIX: ['NUMERIC', 'BOOLEAN', 'VARIABLE', 'CLAUSE', 'CLAUSE_CLOSE'],
  TERNARY: ['PREFIX', 'NUMERIC', 'BOOLEAN', 'STRING', 'TIME', 'VARIABLE', 'CLAUSE', 'SEPARATOR'],
  SEPARATOR: ['PREFIX', 'NUMERIC', 'BOOLEAN', 'STRING', 'TIME', 'VARIABLE', 'CLAUSE'],
};
/** Kinds that an expression may end with. */
const CAN_END: ReadonlySet<WhenTokenKind> = new Set([
  'CLAUSE_CLOSE',
  'NUMERIC',
  'BOOLEAN',
  'STRING',
  'PATTERN',
  'TIME',
  'VARIABLE',
]);

const PREFIXES = new Set(['-', '!', '~']);
const MODIFIERS = new Set(['+', '-', '*', '/', '%', '**', '&', '|', '^', '>>', '<<']);
const LOGICAL = new Set(['&&', '||']);
const COMPARATORS = new Set(['==', '!=', '>', '>=', '<', '<=', '=~', '!~', 'in']);
const TERNARIES = new Set(['?', ':', '??']);

const LETTER = /\p{L}/u;
const SPACE = /[\s\u0085]/;
const DIGIT = /\p{Nd}/u;

/** Go's `%v` of a token value. */
export const showToken = (value: WhenToken['value']): string => (value === null ? '<nil>' : String(value));

const fail = (message: string): never => {
  throw new ExpressionError(message, 'parse');
};

class Lexer {
  private readonly characters: readonly string[];
  private at = 0;
  private last: WhenTokenKind = 'UNKNOWN';

  constructor(text: string) {
    this.characters = [...text];
  }

  run(): WhenToken[] {
    const tokens: WhenToken[] = [];
    for (;;) {
      const token = this.read();
      if (!token) return tokens;
      tokens.push(token);
      this.last = token.kind;
    }
  }

  private read(): WhenToken | undefined {
    while (this.at < this.characters.length && SPACE.test(this.characters[this.at] ?? '')) this.at++;
    const c = this.characters[this.at];
    if (c === undefined) return undefined;
    if (c === '.' || DIGIT.test(c)) return this.number();
    if (c === ',') return this.single('SEPARATOR', ',');
    if (c === '[') return this.bracket();
    if (LETTER.test(c)) return this.word();
    if (c === "'" || c === '"') return this.text();
    if (c === '(') return this.single('CLAUSE', '(');
    if (c === ')') return this.single('CLAUSE_CLOSE', ')');
    return this.symbol();
  }

  private single(kind: WhenTokenKind, value: string): WhenToken {
    this.at++;
    return { kind, value };
  }

  private while(accept: (c: string) => boolean): string {
    let text = '';
    while (this.at < this.characters.length) {
      let c = this.characters[this.at] ?? '';
      if (c === '\\') {
        this.at++;
        c = this.characters[this.at] ?? '';
      } else if (!accept(c)) break;
      text += c;
      this.at++;
    }
    return text;
  }

  private number(): WhenToken {
    if (this.characters[this.at] === '0' && this.characters[this.at + 1] === 'x') {
      this.at += 2;
      const digits = this.while((c) => /[0-9a-fA-F]/.test(c));
      if (digits === '') fail(`Unable to parse hex value '${digits}' to uint64\n`);
      return { kind: 'NUMERIC', value: Number(BigInt(`0x${digits}`)) };
    }
    const digits = this.while((c) => c === '.' || DIGIT.test(c));
    if (!/^(?:[0-9]+\.?[0-9]*|\.[0-9]+)$/.test(digits)) fail(`Unable to parse numeric value '${digits}' to float64\n`);
    return { kind: 'NUMERIC', value: Number(digits) };
  }

  private delimited(isEnd: (c: string) => boolean): string | undefined {
    this.at++;
    const text = this.while((c) => !isEnd(c));
    if (this.at >= this.characters.length) return undefined;
    this.at++;
    return text;
  }

  private bracket(): WhenToken {
    const value = this.delimited((c) => c === ']');
    return value === undefined ? fail('Unclosed parameter bracket') : { kind: 'VARIABLE', value };
  }

  private text(): WhenToken {
    const value = this.delimited((c) => c === "'" || c === '"');
    if (value === undefined) return fail('Unclosed string literal');
    const seconds = parseGovaluateTime(value);
    return seconds === undefined ? { kind: 'STRING', value } : { kind: 'TIME', value: seconds };
  }

  private word(): WhenToken {
    const value = this.while((c) => LETTER.test(c) || DIGIT.test(c) || c === '_' || c === '.');
    if (value === 'true' || value === 'false') return { kind: 'BOOLEAN', value: value === 'true' };
    if (value === 'in' || value === 'IN') return { kind: 'COMPARATOR', value: 'in' };
    if (value.includes('.')) this.rejectAccessor(value);
    return { kind: 'VARIABLE', value };
  }

  /** A dotted name is a field access in govaluate: only exported fields, which no parameter of Argo's has. */
  private rejectAccessor(value: string): void {
    if (value.endsWith('.')) fail(`Hanging accessor on token '${value}'`);
    for (const field of value.split('.').slice(1)) {
      const first = field.charAt(0);
      if (first === '' || first.toUpperCase() !== first || first.toLowerCase() === first) {
        fail(`Unable to access unexported field '${field}' in token '${value}'`);
      }
    }
  }

  private symbol(): WhenToken {
    const value = this.while((c) => !isWordLike(c));
    if (NEXT[this.last].includes('PREFIX') && PREFIXES.has(value)) return { kind: 'PREFIX', value };
    if (MODIFIERS.has(value)) return { kind: 'MODIFIER', value };
    if (LOGICAL.has(value)) return { kind: 'LOGICALOP', value };
    if (COMPARATORS.has(value)) return { kind: 'COMPARATOR', value };
    if (TERNARIES.has(value)) return { kind: 'TERNARY', value };
    return fail(`Invalid token: '${value}'`);
  }
}

/** What ends a run of symbol characters. */
function isWordLike(c: string): boolean {
  return DIGIT.test(c) || LETTER.test(c) || '()[]\'", '.includes(c) || SPACE.test(c);
}

/** Splits a condition into tokens; throws ExpressionError with govaluate's message. */
export function tokenizeWhen(text: string): WhenToken[] {
  const tokens = new Lexer(text).run();
  let depth = 0;
  for (const { kind } of tokens) depth += kind === 'CLAUSE' ? 1 : kind === 'CLAUSE_CLOSE' ? -1 : 0;
  if (depth !== 0) fail('Unbalanced parenthesis');
  return tokens;
}

/** Checks the order of the tokens, and the regular expressions that are written out. */
export function checkTokens(tokens: readonly WhenToken[]): void {
  let previous: WhenToken = { kind: 'UNKNOWN', value: null };
  for (const token of tokens) {
    if (!NEXT[previous.kind].includes(token.kind)) {
      fail(
        `Cannot transition token types from ${previous.kind} [${showToken(previous.value)}] ` +
          `to ${token.kind} [${showToken(token.value)}]`,
      );
    }
    const isRegexp = previous.kind === 'COMPARATOR' && (previous.value === '=~' || previous.value === '!~');
    if (isRegexp && token.kind === 'STRING') checkPattern(String(token.value));
    previous = token;
  }
  if (!CAN_END.has(previous.kind)) fail('Unexpected end of expression');
}

function checkPattern(pattern: string): void {
  try {
    regexpMatches(pattern, '');
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}
