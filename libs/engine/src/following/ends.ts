import { isFulfilled, NodeType } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { noteSuspensionDone } from '../suspend/resume.js';
import { assessWorkflow } from '../workflow/workflow-run.js';
import { isInterrupted } from './interruption.js';
import { propagate } from './propagate.js';
import { giveSlots } from './slots.js';
import { isSuspended } from './suspended.js';

/** Tells the owners of nodes that have ended, one after the other; the slots that each end gives are taken before the next. */
export const followEnds = (pass: Pass): void => {
  const { state } = pass;
  while (state.unfollowed.size > 0 && !isSuspended(state) && !isInterrupted(pass)) {
    const node = state.find(state.unfollowed.take());
    if (node === undefined || !isFulfilled(node.status)) continue;
    if (node.status.type === NodeType.Suspend) noteSuspensionDone(pass, node);
    propagate(pass, { node });
    if (isFulfilled(state.root?.status ?? {})) assessWorkflow(pass);
    giveSlots(pass);
  }
};
