import { isFulfilled, NodeType } from '#libs/workflow-spec';
import type { DecideInput, Decision, InboxEntry } from './contract.js';
import { advanceDag } from './dag/dag.js';
import { advanceTaskGroup } from './dag/task-group.js';
import { isContainer } from './node-tree/containers.js';
import { isHeldByFailFast } from './limits/parallelism.js';
import type { ChangedChild, Operations, Outcome, Pass } from './pass.js';
import { NodePhase } from '#libs/workflow-spec';
import { setPhase } from './phase/transitions.js';
import { addressee, takeReport } from './pods/take-report.js';
import { takeRequest } from './requests/take-request.js';
import { advanceRetry } from './retry/retry.js';
import type { TreeNode } from './state/tree-node.js';
import type { WorkflowState } from './state/workflow-state.js';
import { advanceStepGroup } from './steps/step-group.js';
import { advanceSteps } from './steps/steps.js';
import { noteSuspensionDone } from './suspend/resume.js';
import { startTemplate } from './templates/start-template.js';
import { carryOutShutdown, takeWakeups } from './limits/wake.js';
import { startWorkflow } from './workflow/first-reconcile.js';
import { noteProgress } from './workflow/progress.js';
import { isFinished } from './workflow/workflow-phase.js';
import { afterTopChange, assessWorkflow } from './workflow/workflow-run.js';

const DEFAULT_MAX_CHANGES = 500;

const advance = (pass: Pass, container: TreeNode, changed?: ChangedChild): Outcome => {
  switch (container.status.type) {
    case NodeType.Steps:
      return advanceSteps(pass, container, changed);
    case NodeType.DAG:
      return advanceDag(pass, container, changed);
    case NodeType.Retry:
      return advanceRetry(pass, container, changed);
    case NodeType.TaskGroup:
      advanceTaskGroup(pass, container, changed);
      return {};
    case NodeType.StepGroup:
      advanceStepGroup(pass, container, changed);
      return {};
    default:
      return {};
  }
};

const operations: Operations = { start: startTemplate, advance };

/** Nothing new starts and nothing is followed while the workflow as a whole is suspended; pods that run go on. */
const isSuspended = (state: WorkflowState): boolean => state.header.suspend ?? state.spec.suspend === true;

/** The Steps and DAG nodes around a node, outermost first. */
const boundariesAround = (pass: Pass, node: TreeNode): TreeNode[] => {
  const found: TreeNode[] = [];
  for (let at = pass.state.find(node.memory.owner); at !== undefined; at = pass.state.find(at.memory.owner)) {
    if (at.status.type === NodeType.Steps || at.status.type === NodeType.DAG) found.push(at);
  }
  return found.reverse();
};

/** The outermost boundary that failFast holds, with whatever is below it; an attempt of a Retry is not asked, as in Argo. */
const heldBoundary = (pass: Pass, node: TreeNode): TreeNode | undefined =>
  boundariesAround(pass, node).find(
    (boundary) => isFulfilled(boundary.status) || (boundary.memory.role !== 'attempt' && isHeldByFailFast(pass, boundary)),
  );

const showError = (pass: Pass, node: TreeNode, outcome: Outcome): void => {
  const shows = node.status.type === NodeType.Steps || node.status.type === NodeType.DAG;
  if (outcome.error !== undefined && shows)
    setPhase(pass.state, node, { phase: NodePhase.Error, message: outcome.error, nowMs: pass.nowMs });
};

/** Carries a change upwards: each owner goes on with what it makes possible, until one is not changed by it. */
const propagate = (pass: Pass, first: ChangedChild): void => {
  if (isSuspended(pass.state)) {
    pass.state.unfollowed.push(first.node.id);
    return;
  }
  const held = heldBoundary(pass, first.node);
  let changed = held === undefined ? first : { node: held };
  if (held !== undefined && !isFulfilled(held.status)) return;
  for (;;) {
    const owner = pass.state.find(changed.node.memory.owner);
    if (owner === undefined) {
      afterTopChange(pass, changed);
      return;
    }
    if (isFulfilled(owner.status)) {
      if (owner.status.type !== NodeType.TaskGroup) return;
      changed = { node: owner };
      continue;
    }
    const outcome = advance(pass, owner, changed);
    showError(pass, owner, outcome);
    if (!isFulfilled(owner.status) && outcome.error === undefined) return;
    changed = { node: owner, ...outcome };
  }
};

/** Goes on with a container for a reason outside of it. */
const revisit = (pass: Pass, id: string): void => {
  if (id === '') {
    startWorkflow(pass);
    assessWorkflow(pass);
    return;
  }
  const node = pass.state.find(id);
  if (node === undefined || !isContainer(node) || isFulfilled(node.status)) return;
  if (heldBoundary(pass, node) !== undefined) return;
  const outcome = advance(pass, node);
  showError(pass, node, outcome);
  if (isFulfilled(node.status) || outcome.error !== undefined) propagate(pass, { node, ...outcome });
};

/** The boundary whose limit a waiting container is under. */
const limitedBoundary = (state: WorkflowState, id: string): string => {
  const node = state.find(id);
  if (node === undefined) return '';
  return node.status.type === NodeType.Steps || node.status.type === NodeType.DAG ? node.id : (node.status.boundaryID ?? '');
};

/** The order in which Argo's walk over the tree comes to them, so that it does not matter when each began to wait. */
const inTreeOrder = (state: WorkflowState, ids: string[]): string[] =>
  ids.sort((left, right) => (state.find(left)?.ordinal ?? -1) - (state.find(right)?.ordinal ?? -1));

/**
 * Gives freed slots to those who wait, in tree order. Only containers under a limit that has become looser are asked; under the
 * workflow's own limit the first that has to go on waiting ends the round.
 */
const giveSlots = (pass: Pass): void => {
  const { state } = pass;
  const { freed } = state.counters;
  if (state.waitingForSlot.size === 0 || freed.size === 0) {
    freed.clear();
    return;
  }
  const isAnySlot = freed.has('') && state.spec.parallelism !== undefined;
  const ids = inTreeOrder(
    state,
    [...state.waitingForSlot].filter((id) => isAnySlot || freed.has(limitedBoundary(state, id))),
  );
  freed.clear();
  for (const id of ids) {
    state.waitingForSlot.delete(id);
    revisit(pass, id);
    if (typeof state.spec.parallelism === 'number' && state.counters.activePods >= state.spec.parallelism) break;
  }
};

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
    if (node !== undefined && takeReport(pass, node, report) && isFulfilled(node.status)) ended.push(node);
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

const takeInbox = (pass: Pass): boolean => {
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
const goOn = (pass: Pass): void => {
  startWorkflow(pass);
  if (isSuspended(pass.state) || pass.missing.size > 0) return;
  for (const changed of carryOutShutdown(pass)) propagate(pass, changed);
  followRequests(pass);
  goOnWithDeferred(pass);
};

const decisionOf = (pass: Pass, isInboxTaken: boolean): Decision => {
  const { state } = pass;
  const { pending } = state;
  return {
    ...(pending.header ? { header: structuredCopy(state.header) } : {}),
    nodes: state.pendingRows(),
    removedNodeIds: [...pending.removed],
    commands: [...pending.commands],
    outcomes: [...pending.outcomes],
    consumed: [...pending.consumed],
    missing: [...pass.missing.values()],
    nextWakeAtMs: isFinished(state) ? null : state.wakeups.next(),
    more: pass.missing.size === 0 && (!isInboxTaken || (!isFinished(state) && [...state.deferred.values()].includes('budget'))),
  };
};

const structuredCopy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/**
 * One decision (architecture §6): takes the inbox into the state, goes on with whatever that makes possible, and gives everything that has
 * changed since the last `markCommitted`. Calling it again with the same inbox and the facts that were missing adds to the same changes:
 * entries that are used up are known and left out. Reports of other incarnations change nothing.
 */
export const decide = (state: WorkflowState, input: DecideInput): Decision => {
  const pass: Pass = {
    state,
    input,
    config: state.config,
    operations,
    missing: new Map(),
    nowMs: input.nowMs,
    maxChanges: input.maxChanges ?? DEFAULT_MAX_CHANGES,
  };
  if (!isFinished(state)) goOn(pass);
  const isInboxTaken = takeInbox(pass);
  if (!isFinished(state) && isInboxTaken) {
    for (const changed of takeWakeups(pass)) propagate(pass, changed);
    if (!isSuspended(state)) giveSlots(pass);
  }
  noteProgress(pass);
  return decisionOf(pass, isInboxTaken);
};
