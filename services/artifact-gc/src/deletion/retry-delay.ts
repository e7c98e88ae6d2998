/** Milliseconds until the next try after `attempts` failures: doubling from `baseMs` up to `longestMs`. */
export function retryDelayMs(attempts: number, bounds: { baseMs: number; longestMs: number }): number {
  return Math.min(bounds.longestMs, bounds.baseMs * 2 ** Math.min(attempts, 30));
}
