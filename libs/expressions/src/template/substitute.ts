import { AbsentOptionalError, ExpressionError, UnresolvedTagError } from '../errors.js';
import { compileExpression, type Program } from '../expr/program.js';
import { programReferences, runProgram } from '../expr/evaluate.js';
import { goJson, goJsonString } from '../golang/json.js';
import { goQuoteBody } from '../golang/quote.js';
import { isNil } from '../golang/values.js';
import { toScope, type Scope, type ScopeLike } from '../scope.js';
import { parseTemplate } from './parse-template.js';

/** How tags without a value are treated. */
export interface SubstituteOptions {
  /** `keep` leaves them in the text, `error` throws UnresolvedTagError. Default `keep`. */
  readonly unresolved?: 'keep' | 'error';
  /** First segments (`steps`, `tasks`; `*` for any) whose tags must resolve even under `keep`; artifacts are exempt. */
  readonly strictPrefixes?: readonly string[];
  /** What `now()` gives in expressions, in milliseconds since 1970; without it `now()` is an error. */
  readonly nowMs?: number;
}

/** Names that get their value late; an expression that uses one before that is left alone. */
const LATE_BOUND = [
  ['item'],
  ['retries'],
  ['lastRetry', 'exitCode'],
  ['lastRetry', 'status'],
  ['lastRetry', 'duration'],
  ['lastRetry', 'message'],
  ['workflow', 'status'],
  ['workflow', 'failures'],
];

const withDot = (prefix: string): string => (prefix.endsWith('.') ? prefix : `${prefix}.`);
const keep = (tag: string): string => `{{${tag}}}`;

function isStrict(tag: string, options: SubstituteOptions): boolean {
  const name = tag.trim();
  if (name.includes('.outputs.artifacts.')) return false;
  return options.strictPrefixes?.some((prefix) => name.startsWith(prefix.endsWith('.') ? prefix : `${prefix}.`)) ?? false;
}

function simpleTag(tag: string, scope: Scope, options: SubstituteOptions): string {
  const value = scope.get(tag.trim());
  if (typeof value === 'string') return goQuoteBody(value);
  if (value === null) throw new AbsentOptionalError(tag);
  if (value !== undefined) throw new ExpressionError(`failed to resolve {{${tag}}} to string`, 'replace');
  const nested = tag.lastIndexOf('{{');
  if (nested > 0) {
    const inner = scope.get(tag.slice(nested + 2).trim());
    if (inner === null) {
      const name = tag.slice(nested + 2);
      throw new AbsentOptionalError(name, `nested tag "${name}" is an absent optional`);
    }
    if (typeof inner === 'string') return `{{${tag.slice(0, nested)}${goQuoteBody(inner)}`;
  }
  if (options.unresolved === 'error' || isStrict(tag, options)) throw new UnresolvedTagError(tag);
  return keep(tag);
}

function isLateBound(program: Program, scope: Scope): boolean {
  return programReferences(program).some(({ path }) =>
    LATE_BOUND.some((late) => {
      if (!late.every((segment, i) => path[i] === segment)) return false;
      const name = late.join('.');
      if (scope.get(name) !== undefined) return false;
      for (const _ of scope.keysUnder(name)) return false;
      return true;
    }),
  );
}

/** Whether a path leads to a variable, to members of one, or into a variable that is no plain text. */
function isKnown(path: readonly string[], scope: Scope): boolean {
  if (path[0] === 'sprig') return true;
  const name = path.join('.');
  if (scope.get(name) !== undefined) return true;
  for (const _ of scope.keysUnder(name)) return true;
  return path.some((_, length) => {
    const value = length > 0 ? scope.get(path.slice(0, length).join('.')) : undefined;
    return typeof value === 'object' && value !== null;
  });
}

/** The name of a strict reference that is not in scope, as `tasks.a.outputs.result`. */
function missingStrict(program: Program, scope: Scope, options: SubstituteOptions): string | undefined {
  const prefixes = options.strictPrefixes ?? [];
  if (prefixes.length === 0) return undefined;
  for (const { path, optional } of programReferences(program)) {
    const [root] = path;
    if (root === undefined || path.length < 2 || !prefixes.some((prefix) => prefix === '*' || withDot(prefix) === `${root}.`))
      continue;
    const name = path.join('.');
    if (optional || name.includes('.outputs.artifacts.')) continue;
    if (!isKnown(path, scope)) return name;
  }
  return undefined;
}

function runOrNil(program: Program, scope: Scope, options: SubstituteOptions): unknown {
  try {
    return runProgram(program, scope, options.nowMs);
  } catch (error) {
    if (options.unresolved === 'error' && error instanceof ExpressionError) {
      throw new ExpressionError(`failed to evaluate expression: ${error.message}`, 'replace');
    }
    if (error instanceof ExpressionError) return null;
    throw error;
  }
}

function parseTag(source: string): Program {
  try {
    return compileExpression(source);
  } catch (error) {
    if (error instanceof ExpressionError) {
      throw new ExpressionError(`failed to evaluate expression: ${error.message}`, 'replace');
    }
    throw error;
  }
}

function expressionTag(tag: string, source: string, scope: Scope, options: SubstituteOptions): string {
  const program = parseTag(source);
  const lenient = options.unresolved !== 'error';
  if (isLateBound(program, scope) && lenient) return keep(tag);
  const missing = missingStrict(program, scope, options);
  if (missing !== undefined) throw new UnresolvedTagError(tag);
  const value = runOrNil(program, scope, options);
  if (isNil(value)) {
    if (lenient) return keep(tag);
    throw new UnresolvedTagError(tag, `failed to evaluate expression "${source}"`);
  }
  if (typeof value === 'string') return goJsonString(value).slice(1, -1);
  return goQuoteBody(goJson(value));
}

function jsonUnescape(text: string): string | undefined {
  if (!text.includes('\\') && !text.includes('"')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return undefined;
  }
}

function replaceTag(tag: string, scope: Scope, options: SubstituteOptions): string {
  if (!tag.startsWith('=')) return simpleTag(tag, scope, options);
  const source = jsonUnescape(tag.slice(1));
  if (source !== undefined) return expressionTag(tag, source, scope, options);
  if (options.unresolved !== 'error') return keep(tag);
  throw new ExpressionError('failed to unmarshall JSON expression', 'replace');
}

/** Replaces the tags of the inside of a JSON string, giving the inside of a JSON string. */
function replaceEscaped(text: string, scope: Scope, options: SubstituteOptions): string {
  const { texts, tags } = parseTemplate(text);
  let out = texts[0] ?? '';
  tags.forEach((tag, i) => {
    out += replaceTag(tag, scope, options) + (texts[i + 1] ?? '');
  });
  return out;
}

const INVALID = 'cannot finish template replacement because the result was invalid JSON';

/**
 * Replaces the `{{tags}}` of a JSON text, as Argo's template.Replace: plain tags by exact name, nested tags from the
 * inside, `{{=expr}}` by expr-lang. Throws UnresolvedTagError, AbsentOptionalError or ExpressionError; the result is
 * valid JSON.
 */
export function substitute(text: string, scope: ScopeLike, options: SubstituteOptions = {}): string {
  if (!text.includes('{{')) return text;
  const result = replaceEscaped(text, toScope(scope), options);
  try {
    JSON.parse(result);
  } catch {
    throw new ExpressionError(INVALID, 'replace');
  }
  return result;
}

/** Replaces the tags of a plain string: what `substitute` makes of it as a JSON string. */
export function substituteString(text: string, scope: ScopeLike, options: SubstituteOptions = {}): string {
  if (!text.includes('{{')) return text;
  const result = jsonUnescape(replaceEscaped(goJsonString(text).slice(1, -1), toScope(scope), options));
  if (result === undefined) throw new ExpressionError(INVALID, 'replace');
  return result;
}

function members(value: Readonly<Record<string, unknown>>, scope: Scope, options: SubstituteOptions): object {
  const keys = Object.keys(value);
  let changed = false;
  const replaced = keys.map((key): [string, unknown] => {
    const item = value[key];
    const newKey = substituteString(key, scope, options);
    const newItem = parts(item, scope, options);
    if (newKey !== key || newItem !== item) changed = true;
    return [newKey, newItem];
  });
  return changed ? Object.fromEntries(replaced) : value;
}

function parts(value: unknown, scope: Scope, options: SubstituteOptions): unknown {
  if (typeof value === 'string') return substituteString(value, scope, options);
  if (Array.isArray(value)) {
    const items = value as readonly unknown[];
    const replaced = items.map((item) => parts(item, scope, options));
    return replaced.some((item, i) => item !== items[i]) ? replaced : value;
  }
  return typeof value === 'object' && value !== null
    ? members(value as Readonly<Record<string, unknown>>, scope, options)
    : value;
}

/** Whether a string opens a tag that it does not close: in JSON text such a tag runs on into what follows. */
function hasOpenTag(value: unknown): boolean {
  if (typeof value === 'string') {
    const lastOpen = value.lastIndexOf('{{');
    return lastOpen >= 0 && !value.includes('}}', lastOpen);
  }
  if (Array.isArray(value)) return value.some(hasOpenTag);
  if (typeof value !== 'object' || value === null) return false;
  for (const key of Object.keys(value)) {
    if (hasOpenTag(key) || hasOpenTag((value as Readonly<Record<string, unknown>>)[key])) return true;
  }
  return false;
}

/**
 * Replaces the tags in every string (and key) of a JSON value, with the same result as `substitute` on its text.
 * Parts without tags are returned as they are, not copied. Throws as `substitute`. Under a bounded scope a tag that a string leaves open is an
 * ExpressionError.
 */
export function substituteJson<T>(value: T, scope: ScopeLike, options: SubstituteOptions = {}): T {
  const chosen = toScope(scope);
  if (chosen.isBounded === true || !hasOpenTag(value)) return parts(value, chosen, options) as T;
  return JSON.parse(substitute(goJson(value), chosen, options)) as T;
}
