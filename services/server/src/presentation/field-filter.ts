type Json = unknown;

/**
 * Argo's `fields` query (util/fields): a comma list of dotted paths; one `-` before the whole value drops exactly those paths, otherwise
 * only those and what is below them stays. Arrays are transparent. As in Argo a path survives when its text is a prefix of a requested
 * one, so `spec.nodeSelectorX` keeps `spec.nodeSelector` too.
 */
export class FieldFilter {
  private readonly paths: readonly string[];
  private readonly exclude: boolean;

  /** `prefix` (`result.object.`) is cut off the given paths; paths outside of it say nothing of the object. */
  constructor(fields: string | undefined, prefix = '') {
    const text = fields ?? '';
    this.exclude = text.startsWith('-');
    this.paths = (this.exclude ? text.slice(1) : text)
      .split(',')
      .filter((path) => path !== '')
      .filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
    this.keepsAll = text === '' || (this.exclude && this.paths.length === 0);
  }

  /** True where nothing is dropped: the caller may skip the walk. */
  readonly keepsAll: boolean;

  /** Whether anything at or below this path stays; lets a reader skip expensive parts such as the nodes. */
  keeps(path: string): boolean {
    if (this.keepsAll) return true;
    if (this.exclude) return !this.paths.includes(path);
    return this.paths.some((wanted) => wanted === path || wanted.startsWith(path) || path.startsWith(`${wanted}.`));
  }

  /** A copy with only what stays. */
  apply<Value>(value: Value): Value {
    return this.keepsAll ? value : (this.walk(value, '') as Value);
  }

  private walk(value: Json, path: string): Json {
    if (Array.isArray(value)) return value.map((item) => this.walk(item, path));
    if (value === null || typeof value !== 'object') return value;
    const kept: [string, Json][] = [];
    for (const [key, member] of Object.entries(value)) {
      const memberPath = path === '' ? key : `${path}.${key}`;
      if (this.keeps(memberPath)) kept.push([key, this.walk(member, memberPath)]);
    }
    return Object.fromEntries(kept);
  }
}
