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
