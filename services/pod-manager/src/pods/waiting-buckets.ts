import type { PodBucket } from '#libs/store';

/**
 * Buckets with pods for which the host had no slot, in the order in which they came. A hint for the table, not the truth:
 * what is lost with the process is found by the sweeper. Bounded, since the backlog is not.
 */
export class WaitingBuckets {
  private readonly waiting = new Map<string, PodBucket>();

  constructor(private readonly maxCount: number) {}

  add(bucket: PodBucket): void {
    const key = `${bucket.workflow}/${bucket.bucket}`;
    if (this.waiting.has(key) || this.waiting.size >= this.maxCount) return;
    this.waiting.set(key, bucket);
  }

  /** Takes the `count` that waited longest. */
  take(count: number): PodBucket[] {
    const taken = [...this.waiting].slice(0, count);
    for (const [key] of taken) this.waiting.delete(key);
    return taken.map(([, bucket]) => bucket);
  }

  get size(): number {
    return this.waiting.size;
  }
}
