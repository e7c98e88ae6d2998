import { isFulfilled } from '#libs/workflow-spec';
import type { InboxEntry } from '../contract.js';
import type { Pass } from '../pass.js';
import { addressee, takeReport } from '../pods/take-report.js';
import { takeRequest } from '../requests/take-request.js';
import type { TreeNode } from '../state/tree-node.js';
import { isFinished } from '../workflow/workflow-phase.js';
import { followRunning, propagate } from './propagate.js';
import { giveSlots } from './slots.js';
import { isSuspended } from './suspended.js';

/** Entries up to the next request, as many as the decision has room for. */
const nextReports = (pass: Pass, from: number): InboxEntry[] => {
  const { state, input } = pass;
  const room = Math.max(1, pass.maxChanges - state.pending.nodes.size);
  const requestAt = input.inbox.findIndex((entry, at) => at >= from && entry.kind === 'request');
  return input.inbox.slice(from, Math.min(from + room, requestAt < 0 ? input.inbox.length : requestAt));
};

/**
 * Takes what pods reported into their nodes, and only then follows it, both in tree order: several ends that come together have one
 * result, whichever was written down first, as in Argo's reconcile.
 */
const takeReports = (pass: Pass, entries: readonly InboxEntry[]): void => {
  const reports = entries.flatMap((entry) => {
    pass.state.pending.consumed.add(entry.id);
    if (entry.kind !== 'pod' || isFinished(pass.state)) return [];
    return [{ report: entry.report, ordinal: pass.state.find(entry.report.nodeId)?.ordinal ?? -1 }];
  });
  const ended: TreeNode[] = [];
  for (const { report } of reports.sort((left, right) => left.ordinal - right.ordinal)) {
    const node = addressee(pass, report);
    if (node === undefined || !takeReport(pass, node, report)) continue;
    if (isFulfilled(node.status)) ended.push(node);
    else followRunning(pass, node);
  }
  const { unfollowedEnds } = pass.state;
  for (const { memory } of ended) unfollowedEnds.set(memory.owner, (unfollowedEnds.get(memory.owner) ?? 0) + 1);
  for (const node of ended) {
    unfollowedEnds.set(node.memory.owner, (unfollowedEnds.get(node.memory.owner) ?? 1) - 1);
    propagate(pass, { node });
    if (!isSuspended(pass.state)) giveSlots(pass);
  }
  unfollowedEnds.clear();
};

/** Takes the inbox as far as this decision has room; false where something is left. A request is the last thing that a decision takes. */
export const takeInbox = (pass: Pass): boolean => {
  const { state, input } = pass;
  let at = 0;
  while (at < input.inbox.length) {
    const entry = input.inbox[at];
    if (entry === undefined || state.pending.consumed.has(entry.id)) {
      at += 1;
      continue;
    }
    if (pass.missing.size > 0 || state.pending.nodes.size >= pass.maxChanges) return false;
    if (entry.kind === 'request') {
      state.pending.consumed.add(entry.id);
      takeRequest(pass, entry);
      return false;
    }
    const reports = nextReports(pass, at).filter(({ id }) => !state.pending.consumed.has(id));
    takeReports(pass, reports);
    at += Math.max(1, reports.length);
  }
  return true;
};
