/** Subscribes to hints that something may have changed; gives how to end it. */
export type ChangeHints = (listener: () => void) => () => void;

/**
 * Lets watchers sleep until something may have changed: a write through this process, a hint from outside, or the poll interval. It remembers
 * nothing, so that a missed hint costs one interval and no event.
 */
export class ChangeWaiter {
  private readonly sleepers = new Set<() => void>();

  constructor(private readonly pollIntervalMs: number) {}

  /** Wakes all who wait. */
  readonly wake = (): void => {
    for (const wakeUp of [...this.sleepers]) wakeUp();
  };

  /** Resolves at the next reason to look, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wakeUp);
        this.sleepers.delete(wakeUp);
        resolve();
      };
      const timer = setTimeout(wakeUp, this.pollIntervalMs);
      signal.addEventListener('abort', wakeUp, { once: true });
      this.sleepers.add(wakeUp);
    });
  }
}
