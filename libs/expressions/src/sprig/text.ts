import { goQuote } from '../golang/quote.js';
import { splitText, trimCharacters, trimSpace } from '../golang/strings.js';
import { byteLength, byteSlice } from '../golang/utf8.js';
import { compareStrings, isArray, isNil, newRecord } from '../golang/values.js';
import { MAX_STRING_LENGTH } from '../expr/operators.js';
import { fail, intAt, sprigFunction, textAt, toText, type SprigCall } from './arguments.js';

const isLower = (c: string): boolean => c !== c.toUpperCase();
const isUpper = (c: string): boolean => c !== c.toLowerCase();
const LETTER_OR_DIGIT = /[\p{L}\p{N}_']/u;

function titleCase(text: string): string {
  let previous = ' ';
  let out = '';
  for (const c of text) {
    out += LETTER_OR_DIGIT.test(previous) ? c : c.toUpperCase();
    previous = c;
  }
  return out;
}

const uncapitalize = (text: string): string =>
  text.replace(/(^|\s)(\S)/gu, (_, space: string, c: string) => space + c.toLowerCase());
const swapCase = (text: string): string =>
  [...text].map((c) => (isUpper(c) ? c.toLowerCase() : isLower(c) ? c.toUpperCase() : c)).join('');
const initials = (text: string): string => [...text.matchAll(/(?:^|\s)(\S)/gu)].map((match) => match[1]).join('');

/** The words of an identifier: `HTTPServerName20` → HTTP, Server, Name, 20. */
const wordsOf = (text: string): string[] =>
  text.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+(?:\p{Ll}+)?|[^\s_\-.\p{L}\p{N}]+/gu) ?? [];
const joined = (text: string, separator: string): string =>
  wordsOf(text)
    .map((word) => word.toLowerCase())
    .join(separator);
const pascalCase = (text: string): string => text.replace(/(?:^|[\s_-]+)(\p{L}?)/gu, (_, c: string) => c.toUpperCase());

function abbreviate(text: string, offset: number, width: number): string {
  const characters = [...text];
  if (width < 4 || (offset > 0 && width < 7) || characters.length <= width) return text;
  const start = Math.max(0, Math.min(offset, characters.length - (width - 3)));
  if (start <= 4) return `${characters.slice(0, width - 3).join('')}...`;
  if (start + width - 3 < characters.length) return `...${abbreviate(characters.slice(start).join(''), 0, width - 3)}`;
  return `...${characters.slice(characters.length - (width - 3)).join('')}`;
}

function truncate(count: number, text: string): string {
  const length = byteLength(text);
  if (count < 0 && length + count > 0) return byteSlice(text, length + count, length);
  return count >= 0 && length > count ? byteSlice(text, 0, count) : text;
}

function substring(start: number, end: number, text: string): string {
  const length = byteLength(text);
  if (start < 0) return byteSlice(text, 0, Math.min(Math.max(end, 0), length));
  if (start > length) return fail(`runtime error: slice bounds out of range [${start}:${length}]`);
  return byteSlice(text, start, end < 0 || end > length ? length : end);
}

/** Wraps at spaces; words longer than the width are cut only when `cutWords`. */
function wrap(text: string, width: number, newline: string, cutWords: boolean): string {
  const size = Math.max(1, width);
  let rest = [...text];
  let out = '';
  while (rest.length > size) {
    if (rest[0] === ' ') {
      rest = rest.slice(1);
      continue;
    }
    const space = rest.slice(0, size + 1).lastIndexOf(' ');
    const later = rest.indexOf(' ', size);
    const cut = space >= 0 ? space : cutWords ? size : later;
    if (cut < 0) break;
    out += rest.slice(0, cut).join('') + newline;
    rest = rest.slice(rest[cut] === ' ' ? cut + 1 : cut);
  }
  return out + rest.join('');
}

/** The texts of a list without its nils; any other value is a list of itself. */
function textsOf(value: unknown): string[] {
  if (isNil(value)) return [];
  return isArray(value) ? value.filter((item) => !isNil(item)).map(toText) : [toText(value)];
}

function numbered(parts: readonly string[]): Record<string, unknown> {
  const record = newRecord();
  parts.forEach((part, i) => (record[`_${i}`] = part));
  return record;
}

function repeat(count: number, text: string): string {
  if (count < 0) return fail('strings: negative Repeat count');
  return text.length * count > MAX_STRING_LENGTH ? fail('memory budget exceeded') : text.repeat(count);
}

function indent(spaces: number, text: string): string {
  const pad = repeat(spaces, ' ');
  return pad + text.replaceAll('\n', `\n${pad}`);
}

const present = (args: readonly unknown[]): unknown[] => args.filter((value) => !isNil(value));

const TEXT: Readonly<Record<string, readonly [parameters: string, call: SprigCall]>> = {
  trim: ['s', ([text]) => trimSpace(String(text))],
  upper: ['s', ([text]) => String(text).toUpperCase()],
  lower: ['s', ([text]) => String(text).toLowerCase()],
  title: ['s', ([text]) => titleCase(String(text))],
  untitle: ['s', ([text]) => uncapitalize(String(text))],
  substr: ['iis', (args) => substring(intAt(args, 0), intAt(args, 1), textAt(args, 2))],
  repeat: ['is', (args) => repeat(intAt(args, 0), textAt(args, 1))],
  trimall: ['ss', (args) => trimCharacters(textAt(args, 1), textAt(args, 0))],
  trimAll: ['ss', (args) => trimCharacters(textAt(args, 1), textAt(args, 0))],
  trimSuffix: ['ss', (args) => removeEnd(textAt(args, 1), textAt(args, 0))],
  trimPrefix: ['ss', (args) => removeStart(textAt(args, 1), textAt(args, 0))],
  nospace: ['s', ([text]) => String(text).replace(/\s+/gu, '')],
  initials: ['s', ([text]) => initials(String(text))],
  swapcase: ['s', ([text]) => swapCase(String(text))],
  snakecase: ['s', ([text]) => joined(String(text), '_')],
  kebabcase: ['s', ([text]) => joined(String(text), '-')],
  camelcase: ['s', ([text]) => pascalCase(String(text))],
  abbrev: ['is', (args) => abbreviate(textAt(args, 1), 0, intAt(args, 0))],
  abbrevboth: ['iis', (args) => abbreviate(textAt(args, 2), intAt(args, 0), intAt(args, 1))],
  trunc: ['is', (args) => truncate(intAt(args, 0), textAt(args, 1))],
  wrap: ['is', (args) => wrap(textAt(args, 1), intAt(args, 0), '\n', false)],
  wrapWith: ['iss', (args) => wrap(textAt(args, 2), intAt(args, 0), textAt(args, 1), true)],
  contains: ['ss', (args) => textAt(args, 1).includes(textAt(args, 0))],
  hasPrefix: ['ss', (args) => textAt(args, 1).startsWith(textAt(args, 0))],
  hasSuffix: ['ss', (args) => textAt(args, 1).endsWith(textAt(args, 0))],
  quote: [
    'a*',
    (args) =>
      present(args)
        .map((value) => goQuote(toText(value)))
        .join(' '),
  ],
  squote: [
    'a*',
    (args) =>
      present(args)
        .map((value) => `'${toText(value)}'`)
        .join(' '),
  ],
  cat: ['a*', (args) => present(args).map(toText).join(' ')],
  indent: ['is', (args) => indent(intAt(args, 0), textAt(args, 1))],
  nindent: ['is', (args) => `\n${indent(intAt(args, 0), textAt(args, 1))}`],
  replace: ['sss', (args) => splitText(textAt(args, 2), textAt(args, 0)).join(textAt(args, 1))],
  plural: ['ssi', (args) => (intAt(args, 2) === 1 ? args[0] : args[1])],
  join: ['sa', (args) => textsOf(args[1]).join(textAt(args, 0))],
  split: ['ss', (args) => numbered(splitText(textAt(args, 1), textAt(args, 0)))],
  splitn: ['sis', (args) => numbered(splitText(textAt(args, 2), textAt(args, 0), intAt(args, 1)))],
  splitList: ['ss', (args) => splitText(textAt(args, 1), textAt(args, 0))],
  toStrings: ['a', (args) => textsOf(args[0])],
  sortAlpha: ['a', (args) => textsOf(args[0]).sort(compareStrings)],
  fail: ['s', ([message]) => fail(String(message))],
  hello: ['', () => 'Hello!'],
};

const removeStart = (text: string, prefix: string): string => (text.startsWith(prefix) ? text.slice(prefix.length) : text);
const removeEnd = (text: string, suffix: string): string =>
  suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;

export const TEXT_FUNCTIONS = [
  ...Object.entries(TEXT).map(([name, [parameters, call]]) => sprigFunction(name, parameters, call)),
  sprigFunction('toString', 'a', ([value]) => toText(value)),
];
