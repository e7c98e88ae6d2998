import { carryOutShutdown } from '../limits/wake.js';
import type { Pass } from '../pass.js';
import { resumeImported } from '../takeover/resume-imported.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { followEnds } from './ends.js';
import { isInterrupted } from './interruption.js';
import { propagate, revisit } from './propagate.js';
import { giveSlots } from './slots.js';
import { isSuspended } from './suspended.js';
import { inWalkOrder } from './walk-order.js';

/** Takes up the walk where it stopped. Where this decision has no room for all of it either, the rest goes on waiting. */
const goOnWithDeferred = (pass: Pass): void => {
  const { deferred, resuming } = pass.state;
  const ids = inWalkOrder(pass.state, deferred.keys());
  for (const id of ids) resuming.add(id);
  deferred.clear();
  for (const id of ids) {
    if (isInterrupted(pass)) break;
    if (resuming.delete(id)) revisit(pass, id);
  }
  for (const id of resuming) deferred.set(id, 'budget');
  resuming.clear();
};

/** Everything that was left over: the start, a shutdown, the walk that was cut, ends that nobody was told, slots that nobody was given. */
export const goOn = (pass: Pass): void => {
  startWorkflow(pass);
  if (!resumeImported(pass)) return;
  if (isSuspended(pass.state) || pass.missing.size > 0) return;
  for (const changed of carryOutShutdown(pass)) propagate(pass, changed);
  goOnWithDeferred(pass);
  followEnds(pass);
  giveSlots(pass);
};
