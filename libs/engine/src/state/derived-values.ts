/** Kinds that follow from the rows of the node and of those before it; all others change with what it has started. */
const OF_NODE_ALONE: ReadonlySet<string> = new Set(['template', 'graph', 'loop', 'members', 'hasEarlyHooks']);

/**
 * Values that follow from the rows and are kept because computing them again would cost more than the event in hand: parsed graphs, processed
 * templates, expanded loops, aggregates. Keyed by the node they belong to, dropped with it, never stored.
 */
export class DerivedValues {
  private readonly byNode = new Map<string, Map<string, unknown>>();

  /** The kept value, or the one that `compute` gives, which is then kept. */
  of<T>(nodeId: string, kind: string, compute: () => T): T {
    let values = this.byNode.get(nodeId);
    if (values === undefined) {
      values = new Map();
      this.byNode.set(nodeId, values);
    }
    if (!values.has(kind)) values.set(kind, compute());
    return values.get(kind) as T;
  }

  has(nodeId: string, kind: string): boolean {
    return this.byNode.get(nodeId)?.has(kind) ?? false;
  }

  /** Takes the kept value out; undefined where there is none. */
  take<T>(nodeId: string, kind: string): T | undefined {
    const values = this.byNode.get(nodeId);
    const value = values?.get(kind) as T | undefined;
    values?.delete(kind);
    return value;
  }

  /** Drops what hangs on the nodes that this one has started. */
  dropSums(nodeId: string): void {
    const values = this.byNode.get(nodeId);
    for (const kind of values?.keys() ?? []) if (!OF_NODE_ALONE.has(kind)) values?.delete(kind);
  }

  drop(nodeId: string): void {
    this.byNode.delete(nodeId);
  }

  clear(): void {
    this.byNode.clear();
  }

  get size(): number {
    return this.byNode.size;
  }
}
