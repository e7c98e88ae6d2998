import { ExpressionError } from '../errors.js';
import { equal } from '../expr/comparison.js';
import { goFormatValue } from '../golang/format-value.js';
import { goJson } from '../golang/json.js';
import { parseGoJson } from '../golang/json-parse.js';
import { isNumber, toFloat } from '../golang/numbers.js';
import { compareStrings, isArray, isRecord } from '../golang/values.js';

/** A part of a kubectl JSONPath template. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'range'; readonly path: string; readonly body: readonly Part[] };

const fail = (message: string, stage: 'parse' | 'run' = 'run'): never => {
  throw new ExpressionError(message, stage);
};

const ACTION = /\{((?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^{}"'])*)\}/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

const unquote = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);

/** Cuts a template into texts, paths and ranges. */
class TemplateParser {
  private at = 0;
  private readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  parse(inRange = false): Part[] {
    const parts: Part[] = [];
    while (this.at < this.source.length) {
      const open = this.source.indexOf('{', this.at);
      const text = this.source.slice(this.at, open < 0 ? undefined : open);
      if (text !== '') parts.push({ kind: 'text', text });
      if (open < 0) {
        this.at = this.source.length;
        break;
      }
      const action = this.action(open);
      if (action === 'end') {
        if (!inRange) fail('not in range, nothing to end', 'parse');
        return parts;
      }
      parts.push(this.part(action));
    }
    return inRange ? fail('unterminated range', 'parse') : parts;
  }

  private action(open: number): string {
    ACTION.lastIndex = open;
    const match = ACTION.exec(this.source);
    if (!match) return fail('unclosed action', 'parse');
    this.at = ACTION.lastIndex;
    return (match[1] ?? '').trim();
  }

  private part(action: string): Part {
    if (/^["']/.test(action)) return { kind: 'text', text: unquote(action) };
    if (/^range\s/.test(action)) return { kind: 'range', path: action.slice(5).trim(), body: this.parse(true) };
    return { kind: 'path', path: action };
  }
}

const STEP =
  /(\.\.)|\.?\[((?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\([^)]*\)|[^\]])*)\]|\.((?:\\.|[^.[\]\\])*)|([$@])|((?:\\.|[^.[\]\\$@])+)/y;

const children = (value: unknown): readonly unknown[] => {
  if (isArray(value)) return value;
  return isRecord(value)
    ? Object.keys(value)
        .sort(compareStrings)
        .map((key) => value[key])
    : [];
};
const descendants = (value: unknown): unknown[] => [value, ...children(value).flatMap(descendants)];

class Query {
  private readonly root: unknown;
  private readonly allowMissing: boolean;

  constructor(root: unknown, allowMissing: boolean) {
    this.root = root;
    this.allowMissing = allowMissing;
  }

  run(path: string, current: unknown): unknown[] {
    let values: unknown[] = [current];
    STEP.lastIndex = 0;
    while (STEP.lastIndex < path.length) {
      const start = STEP.lastIndex;
      const match = STEP.exec(path);
      if (!match) return fail(`unrecognized character in action: ${path.charAt(start)}`, 'parse');
      const { lastIndex } = STEP;
      values = this.step(values, match);
      STEP.lastIndex = lastIndex;
    }
    return values;
  }

  private step(values: readonly unknown[], match: RegExpExecArray): unknown[] {
    const [, recursive, bracket, dotted, start, bare] = match;
    if (recursive !== undefined) return values.flatMap(descendants);
    if (start !== undefined) return start === '$' ? [this.root] : [...values];
    if (bracket !== undefined) return values.flatMap((value) => this.bracket(value, bracket.trim()));
    const name = (dotted ?? bare ?? '').replace(/\\(.)/g, '$1');
    if (name === '') return [...values];
    return values.flatMap((value) => (name === '*' ? children(value) : this.field(value, name)));
  }

  private field(value: unknown, name: string): readonly unknown[] {
    if (isRecord(value) && Object.hasOwn(value, name)) return [value[name]];
    return this.allowMissing ? [] : fail(`${name} is not found`);
  }

  private bracket(value: unknown, text: string): readonly unknown[] {
    if (text === '*') return children(value);
    if (text.startsWith('?')) return children(value).filter((item) => this.passes(item, text.replace(/^\?\(|\)$/g, '')));
    const members = text.match(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,]+/g) ?? [];
    return members.flatMap((member) => {
      const part = member.trim();
      return /^["']/.test(part) ? this.field(value, unquote(part)) : this.elements(value, part);
    });
  }

  private elements(value: unknown, text: string): readonly unknown[] {
    if (!isArray(value)) return this.allowMissing ? [] : fail(`${goFormatValue(value)} is not array or slice`);
    const [from = '', to, step = '1'] = text.split(':');
    if (to === undefined) {
      const index = Number(from);
      const at = index < 0 ? value.length + index : index;
      if (at < 0 || at >= value.length) return fail(`array index out of bounds: index ${at}, length ${value.length}`);
      return [value[at]];
    }
    const bound = (given: string, otherwise: number): number => {
      const at = given === '' ? otherwise : Number(given);
      return Math.min(value.length, Math.max(0, at < 0 ? value.length + at : at));
    };
    return value.slice(bound(from, 0), bound(to, value.length)).filter((_, i) => i % Math.max(1, Number(step)) === 0);
  }

  private passes(item: unknown, condition: string): boolean {
    const match = /^(.*?)(==|!=|<=|>=|<|>)(.*)$/s.exec(condition);
    if (!match) return this.operand(condition.trim(), item) !== undefined;
    const left = this.operand((match[1] ?? '').trim(), item);
    const right = this.operand((match[3] ?? '').trim(), item);
    return left !== undefined && right !== undefined && compareOperands(match[2] ?? '', left, right);
  }

  private operand(text: string, item: unknown): unknown {
    if (/^["']/.test(text)) return unquote(text);
    if (text === 'true' || text === 'false') return text === 'true';
    if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
    return new Query(this.root, true).run(text, item)[0];
  }
}

function compareOperands(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '==') return equal(left, right);
  if (operator === '!=') return !equal(left, right);
  let sign: number;
  if (isNumber(left) && isNumber(right)) sign = toFloat(left) - toFloat(right);
  else if (typeof left === 'string' && typeof right === 'string') sign = compareStrings(left, right);
  else return fail('incompatible types for comparison');
  if (operator === '<') return sign < 0;
  if (operator === '<=') return sign <= 0;
  return operator === '>' ? sign > 0 : sign >= 0;
}

const show = (value: unknown): string => (typeof value === 'string' ? value : goJson(value));

function render(parts: readonly Part[], query: Query, current: unknown): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      const values = query.run(part.path, current);
      return part.kind === 'path' ? values.map(show).join(' ') : values.map((value) => render(part.body, query, value)).join('');
    })
    .join('');
}

/**
 * Renders a kubectl JSONPath template (`{.status.phase}`, `{range …}{end}`) on a JSON text, as outputs of resource
 * templates do. `allowMissing` makes absent keys empty instead of errors. Throws ExpressionError.
 */
export function renderKubeJsonPath(json: string, template: string, allowMissing = false): string {
  const root = parseGoJson(json);
  return render(new TemplateParser(template).parse(), new Query(root, allowMissing), root);
}
