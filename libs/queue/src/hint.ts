/** Job names inside a queue: a wake-up runs the handler, a timer only makes the wake-up when its time has come. */
export const HintName = { Wake: 'wake', Timer: 'timer' } as const;
export type HintName = (typeof HintName)[keyof typeof HintName];

/**
 * What travels in a BullMQ job: the payload that names the row, and of which process it is the copy. `sequence` counts
 * the hints of that process, so that its own copy of a hint that it has handled already is recognised without reading.
 */
export interface Hint {
  readonly payload: unknown;
  readonly origin: string;
  readonly sequence: number;
}

/** The options that fold hints about one key: a waiting one absorbs the next, an active one is followed by the last. */
export function foldingOptions(dedupId: string): FoldingOptions {
  return { deduplication: { id: dedupId, keepLastIfActive: true }, removeOnComplete: true, removeOnFail: true };
}

/**
 * A timer's own key: timers never fold with wake-ups, because a waiting delayed job would absorb an immediate one. Times
 * are rounded up to 100 ms so that equal wishes fold.
 */
export function timerKey(key: string, atMs: number): string {
  return `at/${Math.ceil(atMs / 100)}/${key}`;
}

export interface FoldingOptions {
  readonly deduplication: { readonly id: string; readonly keepLastIfActive: true };
  readonly removeOnComplete: true;
  readonly removeOnFail: true;
}
