import { isFulfilled } from '#libs/workflow-spec';
import { takeGcReport } from '../artifact-gc/collection-report.js';
import { isAboutClaim, takeClaimReport } from '../claims/claims.js';
import type { InboxEntry, PodReport } from '../contract.js';
import { isBudgetSpent, type Pass } from '../pass.js';
import { addressee, takeReport } from '../pods/take-report.js';
import { takeLockEntry } from '../synchronization/lock-answers.js';
import { takeRequest } from '../requests/take-request.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { isFinished, setWorkflowPhase } from '../workflow/workflow-phase.js';
import { takeBeginning } from './beginnings.js';
import { followEnds } from './ends.js';
import { isInterrupted } from './interruption.js';
import { followRunning } from './propagate.js';

/** Entries up to the next request, as many as the decision has room for. */
const nextReports = (pass: Pass, from: number): InboxEntry[] => {
  const { state, input } = pass;
  const room = Math.max(1, pass.maxChanges - state.pending.nodes.size);
  const requestAt = input.inbox.findIndex((entry, at) => at >= from && entry.kind === 'request');
  return input.inbox.slice(from, Math.min(from + room, requestAt < 0 ? input.inbox.length : requestAt));
};

/** A claim was made, and with the last of them the workflow begins; or it cannot be made, and the workflow ends. */
const followClaim = (pass: Pass, report: PodReport): void => {
  const ended = takeClaimReport(pass, report);
  if (ended === undefined) startWorkflow(pass);
  else setWorkflowPhase(pass, ended.phase, ended.message);
};

/**
 * Takes what pods reported into their nodes, and only then follows it, both in tree order: several ends that come together have one
 * result, whichever was written down first, as in Argo's reconcile.
 */
const takeReports = (pass: Pass, entries: readonly InboxEntry[]): void => {
  const reports = entries.flatMap((entry) => {
    pass.state.pending.consumed.add(entry.id);
    if (takeGcReport(pass, entry) || isFinished(pass.state) || takeLockEntry(pass, entry) || entry.kind !== 'pod') return [];
    if (isAboutClaim(entry.report)) {
      followClaim(pass, entry.report);
      return [];
    }
    return [{ ...entry, ordinal: pass.state.find(entry.report.nodeId)?.ordinal ?? -1 }];
  });
  reports.sort((left, right) => left.ordinal - right.ordinal);
  for (const [at, { report }] of reports.entries()) {
    const node = addressee(pass, report);
    if (node === undefined) continue;
    if (takeBeginning(pass, node, report) && isInterrupted(pass)) {
      for (const { id } of reports.slice(at)) pass.state.pending.consumed.delete(id);
      break;
    }
    if (!takeReport(pass, node, report)) continue;
    if (isFulfilled(node.status)) pass.state.unfollowed.add(node);
    else followRunning(pass, node);
  }
  followEnds(pass);
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
    if (isInterrupted(pass) || isBudgetSpent(pass)) return false;
    if (entry.kind === 'request') {
      state.pending.consumed.add(entry.id);
      takeRequest(pass, entry);
      return false;
    }
    const reports = nextReports(pass, at).filter(({ id }) => !state.pending.consumed.has(id));
    takeReports(pass, reports);
    if (reports.some(({ id }) => !state.pending.consumed.has(id))) return false;
    at += Math.max(1, reports.length);
  }
  return true;
};
