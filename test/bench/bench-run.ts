import { mkdtemp, rm, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What one run of the benchmark holds: a folder of its own, and what must be ended with it, whatever happens. */
export class BenchRun {
  private readonly closers: (() => Promise<unknown>)[] = [];

  private constructor(readonly folder: string) {}

  static async begin(): Promise<BenchRun> {
    const folder = await mkdtemp(path.join(tmpdir(), 'argosy-bench-'));
    await chmod(folder, 0o711);
    return new BenchRun(folder);
  }

  /** To be called at the end, in reverse order; each at most once. */
  atEnd(close: () => Promise<unknown>): void {
    this.closers.push(close);
  }

  async end(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close().catch((error: unknown) => console.error(error));
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Asks until it is so; throws with `what` after `limitMs`. */
export const until = async (
  what: string,
  isSo: () => Promise<boolean>,
  { limitMs, everyMs = 20 }: { limitMs: number; everyMs?: number },
): Promise<void> => {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};
