import { RE2JS } from 're2js';
import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError } from '../errors.js';

const cache = new BoundedCache<string, RE2JS | ExpressionError>(500);

function compile(pattern: string): RE2JS | ExpressionError {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return new ExpressionError(message, 'compile');
  }
}

/** Compiles an RE2 pattern (linear time, cached); throws ExpressionError with Go's text for a bad one. */
export function compileRegexp(pattern: string): RE2JS {
  const compiled = cache.getOrMake(pattern, compile);
  if (compiled instanceof ExpressionError) throw compiled;
  return compiled;
}

/** Whether the pattern matches anywhere in the text. */
export const regexpMatches = (pattern: string, text: string): boolean => compileRegexp(pattern).matcher(text).find();

/** The groups of a match, as the regular expression library offers them. */
export interface MatchGroups {
  groupCount(): number;
  group(group?: string | number): string | null;
}

function groupText(match: MatchGroups, name: string): string {
  try {
    if (/^\d+$/.test(name)) return Number(name) <= match.groupCount() ? (match.group(Number(name)) ?? '') : '';
    return match.group(name) ?? '';
  } catch {
    return '';
  }
}

/** Fills `$1`, `${1}` and `${name}` of a replacement from a match, as Go's Expand. */
export const expandReplacement = (replacement: string, match: MatchGroups): string =>
  replacement.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) =>
    whole === '$$' ? '$' : groupText(match, plain ?? braced ?? ''),
  );

/** A Go regular expression: RE2 syntax, matched in linear time. */
export interface GoRegexp {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean;
}

/** Compiles a Go regular expression from a user; throws ExpressionError `error parsing regexp: …`. */
export function compileGoRegexp(pattern: string): GoRegexp {
  const compiled = compileRegexp(pattern);
  return { test: (text) => compiled.matcher(text).find() };
}
