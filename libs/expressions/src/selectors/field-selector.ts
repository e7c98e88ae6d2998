import { ExpressionError } from '../errors.js';
import { compareStrings } from '../golang/values.js';

/** One condition of a field selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

const fail = (message: string): never => {
  throw new ExpressionError(message, 'parse');
};

/** Cuts at commas that no backslash precedes. */
const splitTerms = (text: string): string[] => text.match(/(?:\\[\s\S]?|[^\\,])+/g) ?? [];

function unescapeValue(text: string): string {
  let value = '';
  for (let at = 0; at < text.length; at++) {
    const c = text.charAt(at);
    if (c === '\\') {
      const next = text.charAt(at + 1);
      if (!'\\,='.includes(next) || next === '') fail(`invalid field selector: invalid escape sequence: \\${next}`);
      value += next;
      at++;
    } else if (c === ',' || c === '=') fail(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`);
    else value += c;
  }
  return value;
}

function parseTerm(term: string, selector: string): FieldRequirement {
  const match = /^((?:\\[\s\S]|[^\\])*?)(!=|==|=)([\s\S]*)$/.exec(term);
  if (!match) return fail(`invalid selector: '${selector}'; can't understand '${term}'`);
  const [, field = '', operator = '', value = ''] = match;
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescapeValue(value) };
}

/** Parses a field selector (`status.phase=Failed,metadata.name!=x`), terms sorted; throws ExpressionError with Kubernetes' text. */
export const parseFieldSelector = (text: string): FieldRequirement[] =>
  splitTerms(text)
    .sort(compareStrings)
    .map((term) => parseTerm(term, text));

/** A field selector as text. */
export const formatFieldSelector = (requirements: readonly FieldRequirement[]): string =>
  requirements.map(({ field, operator, value }) => field + operator + value.replace(/[\\,=]/g, '\\$&')).join(',');

/** Whether fields match a selector (parsed, or as text); a field that is not there counts as empty. */
export function matchesFields(selector: readonly FieldRequirement[] | string, fields: Readonly<Record<string, string>>): boolean {
  const requirements = typeof selector === 'string' ? parseFieldSelector(selector) : selector;
  return requirements.every(({ field, operator, value }) => {
    const own = Object.hasOwn(fields, field) ? fields[field] : '';
    return (own === value) === (operator === '=');
  });
}
