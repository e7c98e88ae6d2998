import { type LabelRequirement } from '#libs/store';
import { ApiError } from '../errors/errors.js';

const OPERATORS = 'in, notin, =, ==, !=, gt, lt';
const KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const SYMBOLS = ['==', '!=', '=', '!', '(', ')', ',', '>', '<'];

const problem = (message: string): ApiError => new ApiError(3, `unable to parse requirement: ${message}`);

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? '')) {
      at += 1;
      continue;
    }
    const symbol = SYMBOLS.find((candidate) => text.startsWith(candidate, at));
    const word = symbol ?? /^[^\s=!(),<>]+/.exec(text.slice(at))?.[0] ?? '';
    tokens.push(word);
    at += word.length;
  }
  return tokens;
}

/** Reads the terms one after the other; messages are those of Kubernetes' parser (apimachinery pkg/labels). */
class SelectorReader {
  private at = 0;

  constructor(private readonly tokens: readonly string[]) {}

  read(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    while (this.at < this.tokens.length) {
      requirements.push(this.requirement());
      const separator = this.next();
      if (separator !== '' && separator !== ',') throw problem(`found '${separator}', expected: ',' or 'end of string'`);
      if (separator === ',' && this.at >= this.tokens.length) throw problem(`found '', expected: identifier after ','`);
    }
    return requirements;
  }

  private next(): string {
    const token = this.tokens[this.at] ?? '';
    this.at += 1;
    return token;
  }

  private key(): string {
    const key = this.next();
    if (key === '' || SYMBOLS.includes(key)) throw problem(`found '${key}', expected: !, identifier, or 'end of string'`);
    if (!KEY.test(key)) throw problem(`key: Invalid value: ${JSON.stringify(key)}`);
    return key;
  }

  private requirement(): LabelRequirement {
    if (this.tokens[this.at] === '!') {
      this.at += 1;
      return { key: this.key(), operator: 'absent' };
    }
    const key = this.key();
    const operator = this.tokens[this.at] ?? '';
    if (operator === '' || operator === ',') return { key, operator: 'exists' };
    this.at += 1;
    if (operator === 'in' || operator === 'notin') return { key, operator, values: this.set() };
    if (operator === '=' || operator === '==') return { key, operator: 'in', values: [this.value()] };
    if (operator === '!=') return { key, operator: 'notin', values: [this.value()] };
    if (operator === '>' || operator === 'gt') return { key, operator: 'gt', value: this.integer() };
    if (operator === '<' || operator === 'lt') return { key, operator: 'lt', value: this.integer() };
    throw problem(`found '${operator}', expected: ${OPERATORS}`);
  }

  private checked(value: string): string {
    if (!VALUE.test(value)) throw problem(`values[0]: Invalid value: ${JSON.stringify(value)}`);
    return value;
  }

  /** The value after `=`; nothing there is the empty value. */
  private value(): string {
    const token = this.tokens[this.at] ?? '';
    if (token === '' || token === ',') return '';
    this.at += 1;
    return this.checked(token);
  }

  private integer(): number {
    const token = this.next();
    if (!/^-?\d{1,18}$/.test(token))
      throw problem(`values[0]: Invalid value: ${JSON.stringify(token)}: for 'Gt', 'Lt' operators, the value must be an integer`);
    return Number(token);
  }

  private set(): string[] {
    const opening = this.next();
    if (opening !== '(') throw problem(`found '${opening}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const token = this.next();
      if (token === '') throw problem(`found '', expected: ',', or ')'`);
      if (token === ')') break;
      if (token === ',') continue;
      values.push(this.checked(token));
    }
    return values.length === 0 ? [''] : values;
  }
}

/** The requirements of a selector text; ApiError 3 with Kubernetes' words where it is none. */
export const parseLabelSelector = (text: string): LabelRequirement[] => new SelectorReader(tokensOf(text)).read();
