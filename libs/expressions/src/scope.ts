import { lookup, newRecord, type GoRecord } from './golang/values.js';
import { type Reference } from './expr/references.js';

/**
 * The variables a text may use, by their dotted names (`steps.a.outputs.result`). A value is usually a string; `null`
 * is Argo's "absent optional" (the output of a skipped producer), `undefined` an unknown name.
 */
export interface Scope {
  /** The value under exactly this name; undefined when the name is unknown here and in the parents. */
  get(key: string): unknown;
  /** The names that are `prefix` or begin with `prefix.`; every name for the empty prefix. */
  keysUnder(prefix: string): Iterable<string>;
  /**
   * A tag ends in the string that it begins in: one that a value leaves open is an error, and does not run on into what stands behind it in the
   * JSON text, as it does in Argo. Absent: as in Argo.
   */
  readonly isBounded?: boolean;
}

/** A layer of a scope that computes its values when they are asked for. */
export interface ScopeResolver {
  resolve(key: string): unknown;
  /** The names below a prefix, needed by `{{=…}}` expressions only; a resolver without it offers exact names only. */
  keysUnder?(prefix: string): Iterable<string>;
}

/** What a layer can be made of: a plain object, a map, or a resolver. */
export type ScopeEntries = GoRecord | ReadonlyMap<string, unknown> | ScopeResolver;

const isResolver = (entries: ScopeEntries): entries is ScopeResolver =>
  'resolve' in entries && typeof entries.resolve === 'function';

/** The first two segments of a dotted name: what names are indexed by. */
function stem(key: string): string {
  const first = key.indexOf('.');
  const second = first < 0 ? -1 : key.indexOf('.', first + 1);
  return second < 0 ? key : key.slice(0, second);
}

const rootOf = (key: string): string => {
  const dot = key.indexOf('.');
  return dot < 0 ? key : key.slice(0, dot);
};

function append(index: Map<string, string[]>, key: string, value: string): void {
  const list = index.get(key);
  if (list) list.push(value);
  else index.set(key, [value]);
}

/** A layer over given values, with an index by root and by stem made at the first expression. */
class EntriesScope implements Scope {
  private readonly read: (key: string) => unknown;
  private readonly names: () => Iterable<string>;
  private readonly parent: Scope | undefined;
  private index: Map<string, string[]> | undefined;
  readonly isBounded: boolean;

  constructor(entries: GoRecord | ReadonlyMap<string, unknown>, parent?: Scope, isBounded = parent?.isBounded === true) {
    this.parent = parent;
    this.isBounded = isBounded;
    if (entries instanceof Map) {
      const map = entries as ReadonlyMap<string, unknown>;
      this.read = (key) => map.get(key);
      this.names = () => map.keys();
    } else {
      const record = entries as GoRecord;
      this.read = (key) => lookup(record, key);
      this.names = () => Object.keys(record);
    }
  }

  get(key: string): unknown {
    const own = this.read(key);
    return own === undefined ? this.parent?.get(key) : own;
  }

  *keysUnder(prefix: string): Iterable<string> {
    if (this.parent) yield* this.parent.keysUnder(prefix);
    if (prefix === '') {
      yield* this.names();
      return;
    }
    this.index ??= this.buildIndex();
    const candidates = this.index.get(stem(prefix)) ?? [];
    for (const key of candidates) if (key === prefix || key.startsWith(`${prefix}.`)) yield key;
  }

  private buildIndex(): Map<string, string[]> {
    const index = new Map<string, string[]>();
    for (const key of this.names()) {
      const keyStem = stem(key);
      const root = rootOf(key);
      append(index, keyStem, key);
      if (root !== keyStem) append(index, root, key);
    }
    return index;
  }
}

class ResolverScope implements Scope {
  private readonly resolver: ScopeResolver;
  private readonly parent: Scope | undefined;
  readonly isBounded: boolean;

  constructor(resolver: ScopeResolver, parent?: Scope) {
    this.resolver = resolver;
    this.parent = parent;
    this.isBounded = parent?.isBounded === true;
  }

  get(key: string): unknown {
    const own = this.resolver.resolve(key);
    return own === undefined ? this.parent?.get(key) : own;
  }

  *keysUnder(prefix: string): Iterable<string> {
    if (this.parent) yield* this.parent.keysUnder(prefix);
    if (this.resolver.keysUnder) yield* this.resolver.keysUnder(prefix);
    else if (prefix !== '' && this.resolver.resolve(prefix) !== undefined) yield prefix;
  }
}

/** What functions of this library take for a scope: a scope, or its entries (a map or object with dotted names). */
export type ScopeLike = Scope | ReadonlyMap<string, unknown> | GoRecord;

/** The scope itself, or one over the given map or object. */
export function toScope(like: ScopeLike): Scope {
  if ('keysUnder' in like && typeof like.keysUnder === 'function') return like as Scope;
  return createScope(like as GoRecord | ReadonlyMap<string, unknown>);
}

/** Makes a scope of a layer of values over an optional parent; the layer's own names win. */
export function createScope(entries: ScopeEntries, parent?: Scope): Scope {
  return isResolver(entries) ? new ResolverScope(entries, parent) : new EntriesScope(entries, parent);
}

/** A layer of values over a parent in whose texts, and in those of all layers above, a tag ends in the string that it begins in. */
export function createBoundedScope(entries: ReadonlyMap<string, unknown>, parent: Scope): Scope {
  return new EntriesScope(entries, parent, true);
}

function hasChildren(scope: Scope, key: string): boolean {
  for (const other of scope.keysUnder(key)) if (other !== key) return true;
  return false;
}

function insert(env: Record<string, unknown>, key: string, value: unknown): void {
  const segments = key.split('.');
  const last = segments.pop() ?? '';
  let level = env;
  for (const segment of segments) {
    const next = lookup(level, segment);
    if (typeof next === 'object' && next !== null && Object.getPrototypeOf(next) === null)
      level = next as Record<string, unknown>;
    else {
      const made = newRecord();
      level[segment] = made;
      level = made;
    }
  }
  level[last] = value;
}

/**
 * The part of a scope that the references need, as nested maps. Where both `a` and `a.b` exist, `a` is dropped (Argo's
 * rule); names are cut at every dot.
 */
export function nestedEnvironment(scope: Scope, references: readonly Reference[]): Record<string, unknown> {
  const env = newRecord();
  const done = new Set<string>();
  for (const { path } of references) {
    const prefix = path.slice(0, 2).join('.');
    if (done.has(prefix)) continue;
    done.add(prefix);
    const keys = new Set(scope.keysUnder(prefix));
    const root = path[0];
    if (path.length > 1 && root !== undefined && scope.get(root) !== undefined) keys.add(root);
    if (path.length > 2) {
      const exact = path.join('.');
      if (scope.get(exact) !== undefined) keys.add(exact);
    }
    const hasMembers = root !== undefined && hasChildren(scope, root);
    if (hasMembers && lookup(env, root) === undefined) env[root] = newRecord();
    for (const key of keys) if (!hasChildren(scope, key)) insert(env, key, scope.get(key) ?? null);
  }
  return env;
}
