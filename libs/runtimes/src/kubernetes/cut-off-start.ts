import type { ObservedContainer } from './observed-pod.js';

type End = ObservedContainer['ended'];

/** Reason of a container that its runtime could not start. */
const START_ERROR = 'StartError';
/** Whoever asked for the start has gone, as a kubelet that is restarted, or the container's own helper has. */
const GIVEN_UP =
  /context canceled|context deadline exceeded|ttrpc: closed|failed to start shim: .*signal: killed|transport is closing|error reading from server|connection re(?:fused|set)/;
/** The first of containerd's two steps, which ends before the first instruction of the program; in the second it may have begun. */
const FIRST_STEP = 'failed to create containerd task';

/** The start was given up for no reason of the container's own: another one may go well. */
export const isCutOff = (end: End): boolean => end?.reason === START_ERROR && GIVEN_UP.test(end.message);

/** The start has failed, and nobody can say whether the program had begun by then. */
export const mayHaveRun = (end: End): boolean => end?.reason === START_ERROR && !end.message.startsWith(FIRST_STEP);
