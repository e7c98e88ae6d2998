import { formatFloatPlain } from '../golang/numbers.js';
import { compareStrings } from '../golang/values.js';
import { applyModifier, isModifier } from './gjson-modifiers.js';
import { elementsOf, membersOf, NOTHING, rawValue, textOf, type RawValue } from './raw-json.js';

/** What a gjson path found; `text` and `number` are gjson's String() and Float of it. */
export interface GjsonResult extends RawValue {
  readonly text: string;
  readonly number: number;
}

/** The first part of a path, and what follows its `.` or `|`. */
interface Head {
  readonly part: string;
  readonly separator: '' | '.' | '|';
  readonly rest: string;
}

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** The index behind the bracket that opens at `at`; the end of the text where it never closes. */
function behindBracket(text: string, at: number): number {
  const closers: string[] = [];
  for (let i = at; i < text.length; i++) {
    const c = text.charAt(i);
    const closer = CLOSERS[c];
    if (c === '\\') i++;
    else if (c === '"') i = endOfString(text, i);
    else if (closer !== undefined) closers.push(closer);
    else if (c === closers.at(-1) && (closers.pop(), closers.length === 0)) return i + 1;
  }
  return text.length;
}

function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text.charAt(i) === '\\') i++;
    else if (text.charAt(i) === '"') return i;
  }
  return text.length;
}

function headOf(path: string): Head {
  let at = 0;
  while (at < path.length) {
    const c = path.charAt(at);
    if (c === '\\') at += 2;
    else if (c === '"' && path.startsWith('!')) at = endOfString(path, at) + 1;
    else if ((c === '(' && path.charAt(at - 1) === '#') || (at === 0 && (c === '{' || c === '['))) at = behindBracket(path, at);
    else if (c === ':' && path.startsWith('@') && CLOSERS[path.charAt(at + 1)] !== undefined) at = behindBracket(path, at + 1);
    else if (c === '.' || c === '|') return { part: path.slice(0, at), separator: c, rest: path.slice(at + 1) };
    else at++;
  }
  return { part: path, separator: '', rest: '' };
}

/** Matches `*` and `?` in time proportional to both lengths. */
function matchesPattern(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < text.length) {
    const c = pattern.charAt(p);
    if (c === '*') {
      star = p++;
      mark = t;
    } else if (c === '\\' && pattern.charAt(p + 1) === text.charAt(t)) {
      p += 2;
      t++;
    } else if (c !== '' && c !== '\\' && (c === '?' || c === text.charAt(t))) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern.charAt(p) === '*') p++;
  return p === pattern.length;
}

function memberAt(raw: string, part: string): RawValue {
  const wild = /(?:^|[^\\])[*?]/.test(part);
  const plain = part.replace(/\\(.)/g, '$1');
  const found = membersOf(raw).find(({ key }) => (wild ? matchesPattern(part, key) : key === plain));
  return found ? rawValue(found.raw) : NOTHING;
}

const QUERY = /^((?:\\.|[^=!<>%\\])*?)\s*(==|=|!=|!%|<=|<|>=|>|%)\s*([\s\S]*)$/;

function compareWith(operator: string, sign: number): boolean {
  switch (operator) {
    case '=':
    case '==':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '<=':
      return sign <= 0;
    case '>':
      return sign > 0;
    default:
      return operator === '>=' && sign >= 0;
  }
}

function satisfies(value: RawValue, operator: string, wanted: string): boolean {
  if (!value.exists) return false;
  const target = wanted.startsWith('"') ? textOf(wanted) : wanted;
  if (value.type === 'String') {
    const text = textOf(value.raw);
    if (operator === '%') return matchesPattern(target, text);
    if (operator === '!%') return !matchesPattern(target, text);
    return compareWith(operator, compareStrings(text, target));
  }
  if (value.type === 'Number') return compareWith(operator, Number(value.raw) - Number(target));
  if (value.type === 'True' || value.type === 'False' || value.type === 'Null') {
    return compareWith(operator, value.raw === target ? 0 : value.raw < target ? -1 : 1);
  }
  return false;
}

function matchesQuery(element: string, query: string): boolean {
  const match = QUERY.exec(query);
  const path = (match ? (match[1] ?? '') : query).trim();
  const value = path === '' ? rawValue(element) : follow(rawValue(element), path);
  return match ? satisfies(value, match[2] ?? '', (match[3] ?? '').trim()) : value.exists;
}

/** The path before the first `|` outside brackets, and what is behind it. */
function cutAtPipe(path: string): { each: string; then: string } {
  let [each, rest] = ['', path];
  for (;;) {
    const head = headOf(rest);
    each += head.part;
    if (head.separator !== '.') return { each, then: head.rest };
    each += '.';
    ({ rest } = head);
  }
}

const listOf = (elements: readonly string[]): RawValue => rawValue(`[${elements.join(',')}]`);

/** Follows the rest of a path from each of many values, and what is behind a pipe from the list. */
function followEach(elements: readonly string[], path: string): RawValue {
  const { each, then } = cutAtPipe(path);
  const found = elements.map((element) => follow(rawValue(element), each)).filter(({ exists }) => exists);
  return then === '' ? listOf(found.map(({ raw }) => raw)) : follow(listOf(found.map(({ raw }) => raw)), then);
}

function inArray(raw: string, { part, separator, rest }: Head): RawValue {
  const elements = elementsOf(raw);
  if (part === '#') {
    return separator === '.' ? followEach(elements, rest) : then(rawValue(String(elements.length)), rest);
  }
  if (part.startsWith('#(')) {
    const all = part.endsWith(')#');
    const query = part.slice(2, all ? -2 : -1);
    if (query.trim() === '') return NOTHING;
    if (!all) return then(rawValue(elements.find((element) => matchesQuery(element, query)) ?? ''), rest);
    const matching = elements.filter((element) => matchesQuery(element, query));
    return separator === '.' ? followEach(matching, rest) : then(listOf(matching), rest);
  }
  return /^\d+$/.test(part) ? then(rawValue(elements[Number(part)] ?? ''), rest) : NOTHING;
}

const then = (value: RawValue, rest: string): RawValue => (rest === '' || !value.exists ? value : follow(value, rest));

function splitMembers(content: string): string[] {
  const members: string[] = [];
  let start = 0;
  for (let at = 0; at < content.length; at++) {
    const c = content.charAt(at);
    if (c === '\\') at++;
    else if (c === '"') at = endOfString(content, at);
    else if (CLOSERS[c] !== undefined) at = behindBracket(content, at) - 1;
    else if (c === ',') {
      members.push(content.slice(start, at));
      start = at + 1;
    }
  }
  return [...members, content.slice(start)];
}

/** `{a,b.c}` and `[a,b]`: a new object or array of what the paths find. */
function multipath(value: RawValue, part: string): RawValue {
  const asObject = part.startsWith('{');
  const found = splitMembers(part.slice(1, -1)).flatMap((member) => {
    const named = /^\s*("(?:[^"\\]|\\.)*")\s*:(.*)$/s.exec(member);
    const path = (named ? (named[2] ?? '') : member).trim();
    const result = follow(value, path);
    if (!result.exists) return [];
    const name = named?.[1] ?? JSON.stringify(path.split(/[.|]/).at(-1) ?? '_');
    return [asObject ? `${name}:${result.raw}` : result.raw];
  });
  return rawValue(asObject ? `{${found.join(',')}}` : `[${found.join(',')}]`);
}

function follow(value: RawValue, path: string): RawValue {
  const head = headOf(path);
  const { part, rest } = head;
  if (part.startsWith('@')) {
    const [name = '', ...argument] = part.slice(1).split(':');
    if (isModifier(name)) return then(applyModifier(name, value, argument.join(':')), rest);
  }
  if (part.startsWith('!')) return then(rawValue(part.slice(1)), rest);
  if (/^[{[]/.test(part) && part.length > 1) return then(multipath(value, part), rest);
  if (value.raw.startsWith('[')) return inArray(value.raw, head);
  if (!value.raw.startsWith('{')) return NOTHING;
  return then(memberAt(value.raw, part), rest);
}

function describe(value: RawValue): GjsonResult {
  const number = value.type === 'Number' ? Number(value.raw) : 0;
  if (value.type === 'String') return { ...value, text: textOf(value.raw), number };
  if (value.type === 'Number') {
    return { ...value, text: /^-?\d+$/.test(value.raw) ? value.raw : formatFloatPlain(number), number };
  }
  return { ...value, text: value.type === 'Null' ? '' : value.raw, number };
}

/**
 * Reads a value from a JSON text by a gjson path (`status.conditions.#(type=="Ready").status`), as the success and
 * failure conditions of resource templates do. Never throws; text that is not JSON holds nothing.
 */
export const readGjson = (json: string, path: string): GjsonResult =>
  describe(path === '' ? NOTHING : follow(rawValue(json), path));
