import { ExpressionError } from '../errors.js';
import { goQuote } from '../golang/quote.js';
import { parseDecimalInt } from '../golang/numbers.js';
import { compareStrings } from '../golang/values.js';
import { checkName } from './names.js';

/** How a requirement compares; the words are Kubernetes' selection operators. */
export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

/** One condition of a label selector; `values` are sorted and free of doubles. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** Requirements that must all hold, sorted by key. An empty selector matches everything. */
export interface LabelSelector {
  readonly requirements: readonly LabelRequirement[];
  /** Matches nothing at all: what a missing metav1.LabelSelector means. */
  readonly nothing?: boolean;
}

type TokenKind = 'end' | 'word' | 'symbol';
interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const TOKEN = /\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)/y;
const PREFIX = 'unable to parse requirement: ';

const fail = (message: string): never => {
  throw new ExpressionError(message, 'parse');
};

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const word = match[1] ?? '';
    tokens.push({ kind: /^[=!<>(),]/.test(word) ? 'symbol' : 'word', text: word });
  }
  return tokens;
}

const SYMBOL_OPERATORS: Readonly<Record<string, LabelOperator>> = { '=': '=', '==': '==', '!=': '!=', '<': 'lt', '>': 'gt' };

class SelectorParser {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokenize(text);
  }

  run(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    while (this.peek().kind !== 'end') {
      const { kind, text } = this.peek();
      if (kind !== 'word' && text !== '!') fail(`found '${text}', expected: !, identifier, or 'end of string'`);
      requirements.push(this.requirement());
      const next = this.take();
      if (next.kind === 'end') break;
      if (next.text !== ',') fail(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.peek();
      if (after.kind !== 'word' && after.text !== '!') fail(`found '${after.text}', expected: identifier after ','`);
    }
    return requirements.sort((a, b) => compareStrings(a.key, b.key));
  }

  private peek(): Token {
    return this.tokens[this.at] ?? { kind: 'end', text: '' };
  }

  private take(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  private requirement(): LabelRequirement {
    const negated = this.peek().text === '!';
    if (negated) this.take();
    const key = this.take();
    if (key.kind !== 'word') fail(`${PREFIX}found '${key.text}', expected: identifier`);
    checkKey(key.text);
    const next = this.peek();
    if (negated || next.kind === 'end' || next.text === ',') return createRequirement(key.text, negated ? '!' : 'exists', []);
    const operator = this.operator();
    const values = operator === 'in' || operator === 'notin' ? this.values() : [this.exactValue(operator)];
    return createRequirement(key.text, operator, values);
  }

  private operator(): LabelOperator {
    const { kind, text } = this.take();
    if (kind === 'word' && (text === 'in' || text === 'notin')) return text;
    const operator = kind === 'symbol' ? SYMBOL_OPERATORS[text] : undefined;
    return operator ?? fail(`${PREFIX}found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
  }

  private exactValue(_operator: LabelOperator): string {
    const next = this.peek();
    if (next.kind === 'end' || next.text === ',') return '';
    this.take();
    return next.kind === 'word' ? next.text : fail(`${PREFIX}found '${next.text}', expected: identifier`);
  }

  private values(): string[] {
    const open = this.take();
    if (open.text !== '(') fail(`${PREFIX}found '${open.text}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const value = this.peek().kind === 'word' ? this.take().text : '';
      values.push(value);
      const { text } = this.take();
      if (text === ')') return values;
      if (text !== ',') fail(`${PREFIX}found '${text}', expected: ',' or ')'`);
    }
  }
}

function checkKey(key: string): void {
  const faults = checkName('qualifiedName', key);
  if (faults.length > 0) fail(`${PREFIX}<nil>: Invalid value: ${goQuote(key)}: ${faults.join('; ')}`);
}

function createRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  values.forEach((value, i) => {
    const faults = checkName('labelValue', value);
    if (faults.length > 0) fail(`${PREFIX}values[${i}][${key}]: Invalid value: ${goQuote(value)}: ${faults.join('; ')}`);
    if ((operator === 'gt' || operator === 'lt') && parseDecimalInt(value) === undefined) {
      fail(`${PREFIX}values[${i}]: Invalid value: ${goQuote(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
    }
  });
  return { key, operator, values: [...new Set(values)].sort(compareStrings) };
}

/** Parses a label selector (`a=b,c in (d,e),!f`); throws ExpressionError with Kubernetes' text. */
export const parseLabelSelector = (text: string): LabelSelector => ({ requirements: new SelectorParser(text).run() });

/** A metav1.LabelSelector as it is written in YAML. */
export interface StructuredLabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | null;
  readonly matchExpressions?:
    readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | null }[] | null;
}

const STRUCTURED_OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
};

/** Converts a metav1.LabelSelector; a missing one matches nothing, an empty one everything. Throws ExpressionError. */
export function labelSelectorFrom(selector: StructuredLabelSelector | undefined | null): LabelSelector {
  if (!selector) return { requirements: [], nothing: true };
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => createRequirement(key, '=', [value]));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator: name, values }) => {
    const operator = STRUCTURED_OPERATORS[name] ?? fail(`${goQuote(name)} is not a valid label selector operator`);
    const given = values ?? [];
    const takesValues = operator === 'in' || operator === 'notin';
    if (takesValues && given.length === 0) {
      fail("values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty");
    }
    if (!takesValues && given.length > 0) {
      fail(`values: Invalid value: ${JSON.stringify(given)}: values set must be empty for exists and does not exist`);
    }
    return createRequirement(key, operator, given);
  });
  return { requirements: [...labels, ...expressions].sort((a, b) => compareStrings(a.key, b.key)) };
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const [value = ''] = values;
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`;
    case 'gt':
      return `${key}>${value}`;
    case 'lt':
      return `${key}<${value}`;
    default:
      return `${key}${operator}${value}`;
  }
}

/** The selector as text, sorted by key. */
export const formatLabelSelector = ({ requirements }: LabelSelector): string => requirements.map(formatRequirement).join(',');

/** Whether one requirement holds; `read` gives a label's value, undefined where there is none. */
export function matchesRequirement(requirement: LabelRequirement, read: (key: string) => string | undefined): boolean {
  const value = read(requirement.key);
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '!=':
    case 'notin':
      return value === undefined || !requirement.values.includes(value);
    case 'gt':
    case 'lt': {
      const own = value === undefined ? undefined : parseDecimalInt(value);
      const bound = parseDecimalInt(requirement.values[0] ?? '');
      if (own === undefined || bound === undefined) return false;
      return requirement.operator === 'gt' ? own > bound : own < bound;
    }
    default:
      return value !== undefined && requirement.values.includes(value);
  }
}

/** Whether labels match a selector (parsed, or as text). */
export function matchesLabels(selector: LabelSelector | string, labels: Readonly<Record<string, string>>): boolean {
  const parsed = typeof selector === 'string' ? parseLabelSelector(selector) : selector;
  if (parsed.nothing) return false;
  const read = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  return parsed.requirements.every((requirement) => matchesRequirement(requirement, read));
}
