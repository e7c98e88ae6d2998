import { isFulfilled, NodeType } from '#libs/workflow-spec';
import { carryOutShutdown } from '../limits/wake.js';
import type { Pass } from '../pass.js';
import { noteSuspensionDone } from '../suspend/resume.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { propagate, revisit } from './propagate.js';
import { inTreeOrder } from './slots.js';
import { isSuspended } from './suspended.js';

/** Tells the owners of nodes that ended by a request, or while the workflow was suspended. */
const followRequests = (pass: Pass): void => {
  for (const id of pass.state.unfollowed.splice(0)) {
    const node = pass.state.find(id);
    if (node === undefined || !isFulfilled(node.status)) continue;
    if (node.status.type === NodeType.Suspend) noteSuspensionDone(pass, node);
    propagate(pass, { node });
  }
};

const goOnWithDeferred = (pass: Pass): void => {
  const deferred = inTreeOrder(pass.state, [...pass.state.deferred.keys()]);
  pass.state.deferred.clear();
  for (const id of deferred) revisit(pass, id);
};

/** Everything that was left over: the start, a shutdown, ends that nobody was told, containers that had to wait. */
export const goOn = (pass: Pass): void => {
  startWorkflow(pass);
  if (isSuspended(pass.state) || pass.missing.size > 0) return;
  for (const changed of carryOutShutdown(pass)) propagate(pass, changed);
  followRequests(pass);
  goOnWithDeferred(pass);
};
