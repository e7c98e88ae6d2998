/**
 * When which node wants to be looked at: a binary heap by time. Entries that were replaced or withdrawn stay in the heap until they
 * come to its top, and are recognised there, so that setting and withdrawing cost O(log n).
 */
export class Wakeups {
  private readonly current = new Map<string, number>();
  private readonly heap: { id: string; atMs: number }[] = [];

  set(id: string, atMs: number | undefined): void {
    if (atMs === undefined) {
      this.current.delete(id);
    } else if (this.current.get(id) !== atMs) {
      this.current.set(id, atMs);
      this.push({ id, atMs });
    }
  }

  /** The earliest time, or null where nothing waits for time. */
  next(): number | null {
    this.dropStale();
    return this.heap[0]?.atMs ?? null;
  }

  /** Takes out and gives the ids that are due, earliest first. */
  due(nowMs: number): string[] {
    const ids: string[] = [];
    for (this.dropStale(); (this.heap[0]?.atMs ?? Infinity) <= nowMs; this.dropStale()) {
      const entry = this.pop();
      if (entry === undefined) break;
      this.current.delete(entry.id);
      ids.push(entry.id);
    }
    return ids;
  }

  private dropStale(): void {
    for (let top = this.heap[0]; top !== undefined && this.current.get(top.id) !== top.atMs; top = this.heap[0]) this.pop();
  }

  private push(entry: { id: string; atMs: number }): void {
    this.heap.push(entry);
    let at = this.heap.length - 1;
    while (at > 0 && this.isBefore(at, (at - 1) >> 1)) {
      this.swap(at, (at - 1) >> 1);
      at = (at - 1) >> 1;
    }
  }

  private pop(): { id: string; atMs: number } | undefined {
    const top = this.heap[0];
    const last = this.heap.pop();
    if (top === undefined || last === undefined || this.heap.length === 0) return top;
    this.heap[0] = last;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const smaller = right < this.heap.length && this.isBefore(right, left) ? right : left;
      if (smaller >= this.heap.length || !this.isBefore(smaller, at)) return top;
      this.swap(smaller, at);
      at = smaller;
    }
  }

  private isBefore(left: number, right: number): boolean {
    return (this.heap[left]?.atMs ?? Infinity) < (this.heap[right]?.atMs ?? Infinity);
  }

  private swap(left: number, right: number): void {
    const kept = this.heap[left];
    const moved = this.heap[right];
    if (kept === undefined || moved === undefined) return;
    this.heap[left] = moved;
    this.heap[right] = kept;
  }
}
