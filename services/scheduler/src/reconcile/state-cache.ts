/** A cached value with the bytes it is taken to hold. */
interface Entry<Value> {
  value: Value;
  sizeBytes: number;
}

/**
 * Least recently used first out, bounded by the bytes its values are said to hold. One value larger than the bound is kept
 * alone: the workflow that is being worked on has to be somewhere. Losing an entry costs a read, never correctness.
 */
export class StateCache<Value> {
  private readonly entries = new Map<string, Entry<Value>>();
  private totalBytes = 0;

  constructor(private readonly maxBytes: number) {}

  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: Value, sizeBytes: number): void {
    this.drop(key);
    this.entries.set(key, { value, sizeBytes });
    this.totalBytes += sizeBytes;
    for (const oldest of this.entries.keys()) {
      if (this.totalBytes <= this.maxBytes || oldest === key) break;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.totalBytes -= entry.sizeBytes;
  }

  get sizeBytes(): number {
    return this.totalBytes;
  }

  get count(): number {
    return this.entries.size;
  }
}
