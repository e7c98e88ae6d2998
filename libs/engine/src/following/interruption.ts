import type { Pass } from '../pass.js';
import { isSuspended } from './suspended.js';

/**
 * Whether the walk over the tree has stopped where it should have gone on, because the decision has grown large or a fact is missing. Then
 * nothing else is begun before it has been taken up again: whatever comes later in the walk must not get ahead, for example to a slot.
 */
export const isInterrupted = (pass: Pass): boolean => {
  if (pass.missing.size > 0) return true;
  if (isSuspended(pass.state)) return false;
  for (const reason of pass.state.deferred.values()) if (reason !== 'restored') return true;
  return false;
};
