import { ExpressionError } from '../errors.js';
import { base64Decode, base64Encode } from '../golang/base64.js';
import { goFormatValue } from '../golang/format-value.js';
import { goJson } from '../golang/json.js';
import { parseGoJson } from '../golang/json-parse.js';
import { splitText, trimCharacters, trimSpace } from '../golang/strings.js';
import { byteLength, utf8Decode, utf8Encode } from '../golang/utf8.js';
import { goTypeName, isArray } from '../golang/values.js';
import { toIndex } from './access.js';
import { MAX_STRING_LENGTH } from './operators.js';
import { type Builtins } from './builtins.js';

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

/** The argument at an index as a string; Go's type assertion panics otherwise. */
export function text(args: readonly unknown[], index: number): string {
  const value = args[index];
  if (typeof value === 'string') return value;
  return fail(`interface conversion: interface {} is ${value == null ? 'nil' : goTypeName(value)}, not string`);
}

const limitOf = (args: readonly unknown[], index: number): number => (args.length > index ? toIndex(args[index]) : -1);

function repeat(value: string, count: number): string {
  if (count < 0) return fail('strings: negative Repeat count');
  if (value.length * count > MAX_STRING_LENGTH) return fail('memory budget exceeded');
  return value.repeat(count);
}

function replace(args: readonly unknown[]): string {
  const limit = limitOf(args, 3);
  const [value, from, to] = [text(args, 0), text(args, 1), text(args, 2)];
  const parts = splitText(value, from, limit < 0 ? -1 : limit + 1);
  const joined =
    from === '' && limit < 0 ? to + parts.join(to) + to : from === '' ? replaceEmpty(value, to, limit) : parts.join(to);
  if (joined.length > MAX_STRING_LENGTH) return fail('memory budget exceeded');
  return value === '' && from === '' ? (limit === 0 ? '' : to) : joined;
}

function replaceEmpty(value: string, to: string, limit: number): string {
  let left = limit;
  let out = '';
  for (const c of value) out += (left-- > 0 ? to : '') + c;
  return out + (left > 0 ? to : '');
}

function join(args: readonly unknown[]): string {
  const [list] = args;
  if (!isArray(list)) return fail(`invalid argument for join (type ${goTypeName(list)})`);
  return list
    .map((item) =>
      typeof item === 'string' ? item : fail(`interface conversion: interface {} is ${goTypeName(item)}, not string`),
    )
    .join(args.length > 1 ? text(args, 1) : '');
}

const indexInBytes = (value: string, index: number): number => (index < 0 ? -1 : byteLength(value.slice(0, index)));

function decodeBase64(value: string): string {
  const bytes = base64Decode(value);
  return bytes instanceof Uint8Array ? utf8Decode(bytes) : fail(`illegal base64 data at input byte ${bytes.badAt}`);
}

function split(args: readonly unknown[], keepSeparator: boolean): string[] {
  const separator = text(args, 1);
  const parts = splitText(text(args, 0), separator, limitOf(args, 2));
  return keepSeparator ? parts.map((part, i) => (i < parts.length - 1 ? part + separator : part)) : parts;
}

const trimmed = (args: readonly unknown[]): string =>
  args.length > 1 ? trimCharacters(text(args, 0), text(args, 1)) : trimSpace(text(args, 0));

function trimPrefix(args: readonly unknown[]): string {
  const prefix = args.length > 1 ? text(args, 1) : ' ';
  const value = text(args, 0);
  return value.startsWith(prefix) ? value.slice(prefix.length) : value;
}

function trimSuffix(args: readonly unknown[]): string {
  const suffix = args.length > 1 ? text(args, 1) : ' ';
  const value = text(args, 0);
  return suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value;
}

export const TEXT_BUILTINS: Builtins = {
  string: ([value]) => goFormatValue(value),
  trim: trimmed,
  trimPrefix,
  trimSuffix,
  upper: (args) => text(args, 0).toUpperCase(),
  lower: (args) => lowerCase(text(args, 0)),
  split: (args) => split(args, false),
  splitAfter: (args) => split(args, true),
  replace,
  repeat: (args) => repeat(text(args, 0), toIndex(args[1])),
  join,
  indexOf: (args) => indexInBytes(text(args, 0), text(args, 0).indexOf(text(args, 1))),
  lastIndexOf: (args) => indexInBytes(text(args, 0), text(args, 0).lastIndexOf(text(args, 1))),
  hasPrefix: (args) => text(args, 0).startsWith(text(args, 1)),
  hasSuffix: (args) => text(args, 0).endsWith(text(args, 1)),
  toJSON: ([value]) => goJson(value, '  '),
  fromJSON: (args) => parseGoJson(text(args, 0)),
  toBase64: (args) => base64Encode(utf8Encode(text(args, 0))),
  fromBase64: (args) => decodeBase64(text(args, 0)),
};

/** Go lower-cases character by character: U+0130 becomes a plain `i`. */
const lowerCase = (value: string): string => value.replaceAll('\u0130', 'i').toLowerCase();
