import type { Clock } from '#libs/workflow-spec';

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };
