import { carryOutShutdown } from '../limits/wake.js';
import type { Pass } from '../pass.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { followEnds } from './ends.js';
import { isInterrupted } from './interruption.js';
import { propagate, revisit } from './propagate.js';
import { giveSlots } from './slots.js';
import { isSuspended } from './suspended.js';
import { inWalkOrder } from './walk-order.js';

/** Takes up the walk where it stopped. Where this decision has no room for all of it either, the rest goes on waiting. */
const goOnWithDeferred = (pass: Pass): void => {
  const { deferred } = pass.state;
  const ids = inWalkOrder(pass.state, deferred.keys());
  deferred.clear();
  for (const [at, id] of ids.entries()) {
    if (isInterrupted(pass)) {
      for (const rest of ids.slice(at)) deferred.set(rest, 'budget');
      return;
    }
    revisit(pass, id);
  }
};

/** Everything that was left over: the start, a shutdown, the walk that was cut, ends that nobody was told, slots that nobody was given. */
export const goOn = (pass: Pass): void => {
  startWorkflow(pass);
  if (isSuspended(pass.state) || pass.missing.size > 0) return;
  for (const changed of carryOutShutdown(pass)) propagate(pass, changed);
  goOnWithDeferred(pass);
  followEnds(pass);
  giveSlots(pass);
};
