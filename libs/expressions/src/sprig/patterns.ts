import { type RE2JS } from 're2js';
import { ExpressionError } from '../errors.js';
import { compileRegexp, expandReplacement } from '../golang/regexp.js';
import { intAt, sprigFunction, textAt, type SprigCall } from './arguments.js';

interface Found {
  readonly start: number;
  readonly end: number;
}

/** The matches of a pattern, at most `limit` of them when that is not negative. */
function matchesOf(pattern: RE2JS, text: string, limit = -1): Found[] {
  const matcher = pattern.matcher(text);
  const found: Found[] = [];
  while ((limit < 0 || found.length < limit) && matcher.find()) found.push({ start: matcher.start(), end: matcher.end() });
  return found;
}

const findAll = (args: readonly unknown[]): string[] => {
  const text = textAt(args, 1);
  return matchesOf(compileRegexp(textAt(args, 0)), text, intAt(args, 2)).map(({ start, end }) => text.slice(start, end));
};

function find(args: readonly unknown[]): string {
  const text = textAt(args, 1);
  const [first] = matchesOf(compileRegexp(textAt(args, 0)), text, 1);
  return first ? text.slice(first.start, first.end) : '';
}

function replaceWith(args: readonly unknown[], literal: boolean): string {
  const text = textAt(args, 1);
  const replacement = textAt(args, 2);
  const matcher = compileRegexp(textAt(args, 0)).matcher(text);
  let out = '';
  let at = 0;
  while (matcher.find()) {
    out += text.slice(at, matcher.start()) + (literal ? replacement : expandReplacement(replacement, matcher));
    at = matcher.end();
  }
  return out + text.slice(at);
}

/** Go's Regexp.Split: an empty match at the start cuts nothing off. */
function split(args: readonly unknown[]): string[] {
  const [pattern, text, limit] = [textAt(args, 0), textAt(args, 1), intAt(args, 2)];
  const compiled = compileRegexp(pattern);
  if (limit === 0) return [];
  if (pattern !== '' && text === '') return [''];
  const parts: string[] = [];
  let [start, end] = [0, 0];
  for (const match of matchesOf(compiled, text, limit)) {
    if (limit > 0 && parts.length === limit - 1) break;
    end = match.start;
    if (match.end !== 0) parts.push(text.slice(start, end));
    start = match.end;
  }
  if (end !== text.length) parts.push(text.slice(start));
  return parts;
}

const isMatch = (args: readonly unknown[]): boolean => compileRegexp(textAt(args, 0)).matcher(textAt(args, 1)).find();

function isMatchOrFalse(args: readonly unknown[]): boolean {
  try {
    return isMatch(args);
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

const quoteMeta = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

const PATTERNS: Readonly<Record<string, readonly [parameters: string, call: SprigCall]>> = {
  regexMatch: ['ss', isMatchOrFalse],
  mustRegexMatch: ['ss', isMatch],
  regexFind: ['ss', find],
  mustRegexFind: ['ss', find],
  regexFindAll: ['ssi', findAll],
  mustRegexFindAll: ['ssi', findAll],
  regexReplaceAll: ['sss', (args) => replaceWith(args, false)],
  mustRegexReplaceAll: ['sss', (args) => replaceWith(args, false)],
  regexReplaceAllLiteral: ['sss', (args) => replaceWith(args, true)],
  mustRegexReplaceAllLiteral: ['sss', (args) => replaceWith(args, true)],
  regexSplit: ['ssi', split],
  mustRegexSplit: ['ssi', split],
  regexQuoteMeta: ['s', (args) => quoteMeta(textAt(args, 0))],
};

export const PATTERN_FUNCTIONS = Object.entries(PATTERNS).map(([name, [parameters, call]]) =>
  sprigFunction(name, parameters, call),
);
