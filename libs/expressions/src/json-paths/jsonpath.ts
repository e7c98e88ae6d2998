import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError } from '../errors.js';
import { parseGoJson } from '../golang/json-parse.js';
import { compareStrings, goTypeName, isArray, isRecord, type GoRecord } from '../golang/values.js';
import { evaluateFilter } from './jsonpath-filter.js';
import { parseJsonPath, type PathStep } from './jsonpath-tokens.js';

const MAX_RESULTS = 200_000;

const fail = (message: string): never => {
  throw new ExpressionError(message);
};

const valuesOf = (value: unknown): readonly unknown[] => {
  if (isArray(value)) return value;
  return isRecord(value) ? sortedKeys(value).map((key) => value[key]) : [];
};
const sortedKeys = (record: GoRecord): string[] => Object.keys(record).sort(compareStrings);

function atKey(value: unknown, key: string): unknown {
  if (isRecord(value)) {
    if (Object.hasOwn(value, key)) return value[key];
    if (key === 'length') return Object.keys(value).length;
    return fail(`key: invalid token key '${key}' not found`);
  }
  if (key === 'length' && isArray(value)) return value.length;
  if (key === 'length' && typeof value === 'string') return [...value].length;
  return fail(`key: invalid token target. expected [map] got [${isArray(value) ? 'slice' : goTypeName(value)}]`);
}

function atIndex(value: unknown, index: number): unknown {
  if (!isArray(value))
    return fail(`index: invalid token target. expected [array slice] got [${isRecord(value) ? 'map' : goTypeName(value)}]`);
  const at = index < 0 ? value.length + index : index;
  return at < 0 || at >= value.length ? fail('index: invalid token out of range') : value[at];
}

function sliceOf(value: unknown, { from, to, step = 1 }: Extract<PathStep, { kind: 'slice' }>): readonly unknown[] {
  if (!isArray(value)) return fail(`range: invalid token target. expected [array slice] got [${goTypeName(value)}]`);
  if (step === 0) return fail('range: invalid token step cannot be 0');
  const bound = (at: number | undefined, otherwise: number): number =>
    Math.min(value.length, Math.max(0, at === undefined ? otherwise : at < 0 ? value.length + at : at));
  const part = value.slice(bound(from, 0), bound(to, value.length));
  const ordered = step < 0 ? [...part].reverse() : part;
  return ordered.filter((_, i) => i % Math.abs(step) === 0);
}

/** A value and everything below it, parents first. */
function descendants(value: unknown, found: unknown[] = []): unknown[] {
  found.push(value);
  if (found.length > MAX_RESULTS) return fail('memory budget exceeded');
  for (const child of valuesOf(value)) if (typeof child === 'object' && child !== null) descendants(child, found);
  return found;
}

function filtered(value: unknown, source: string, root: unknown): readonly unknown[] {
  return valuesOf(value).filter((current) => evaluateFilter(source, { current, root, query: querySteps }));
}

function unionOf(value: unknown, members: readonly (string | number)[]): readonly unknown[] {
  return members.map((member) => (typeof member === 'string' ? atKey(value, member) : atIndex(value, member)));
}

/** What a step makes of one value: one value, or many. */
function take(value: unknown, step: PathStep, root: unknown): { one: unknown } | { many: readonly unknown[] } {
  switch (step.kind) {
    case 'key':
      return { one: atKey(value, step.key) };
    case 'index':
      return { one: atIndex(value, step.index) };
    case 'wildcard':
      if (isArray(value) || isRecord(value)) return { many: valuesOf(value) };
      return fail(`wildcard: invalid token target. expected [array map slice] got [${goTypeName(value)}]`);
    case 'recursive':
      return { many: descendants(value) };
    case 'slice':
      return { many: sliceOf(value, step) };
    case 'union':
      return { many: unionOf(value, step.members) };
    case 'filter':
      return { many: filtered(value, step.source, root) };
  }
}

/** Takes a step from each of many values; the ones where it cannot be taken are left out. */
function takeFromMany(values: readonly unknown[], step: PathStep, root: unknown): unknown[] {
  const results: unknown[] = [];
  for (const value of values) {
    try {
      const taken = take(value, step, root);
      if ('one' in taken) results.push(taken.one);
      else results.push(...taken.many);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
    if (results.length > MAX_RESULTS) return fail('memory budget exceeded');
  }
  return results;
}

function querySteps(steps: readonly PathStep[], start: unknown, root: unknown): unknown {
  let state: { one: unknown } | { many: readonly unknown[] } = { one: start };
  for (const step of steps) {
    state = 'one' in state ? take(state.one, step, root) : { many: takeFromMany(state.many, step, root) };
  }
  return 'one' in state ? state.one : state.many;
}

const cache = new BoundedCache<string, readonly PathStep[] | ExpressionError>(500);

function parseCached(path: string): readonly PathStep[] {
  const steps = cache.getOrMake(path, (text) => {
    try {
      return parseJsonPath(text);
    } catch (error) {
      if (error instanceof ExpressionError) return error;
      throw error;
    }
  });
  if (steps instanceof ExpressionError) throw steps;
  return steps;
}

/**
 * Queries a JSON text, as Argo's `jsonpath(json, path)` in expressions: numbers are float64, a path with wildcards,
 * slices or filters gives an array. Throws ExpressionError.
 */
export function queryJsonPath(json: string, path: string): unknown {
  const root = parseGoJson(json);
  return querySteps(parseCached(path), root, root);
}
