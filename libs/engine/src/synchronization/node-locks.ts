import { isFulfilled, NodePhase, NodeType, templateTypeOf, type Template } from '#libs/workflow-spec';
import type { LockSign, WantedLock } from '../contract.js';
import { createNode, shownFields } from '../node-tree/create-node.js';
import type { Pass, StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { shutdownOf } from '../limits/shutdown.js';
import { retryStrategyOf } from '../templates/process-template.js';
import { hideHolding, hideWaiting, holderName, showHolding, showWaiting } from './shown-locks.js';
import { hasLocks, wantedLocks } from './wanted-locks.js';

/** Attempts of later epochs (manual retries) are not those of earlier ones. */
const ATTEMPTS_PER_EPOCH = 1_000_000;

/** The number of the next attempt to get locks, new for each attempt of a holder. */
export const nextAttempt = (state: WorkflowState, before: number | undefined): number =>
  (before ?? Number(state.header.internal['epoch'] ?? 0) * ATTEMPTS_PER_EPOCH) + 1;

/** Whether this start has to stop in front of its template's locks; under a shutdown that ends it anyhow it has not. */
export const mustWaitForLocks = (pass: Pass, request: StartRequest, { synchronization }: Template): boolean => {
  if (!hasLocks(synchronization)) return false;
  const strategy = shutdownOf(pass.state);
  return strategy === undefined || (strategy === 'Stop' && request.memory.onExit === true);
};

const nodeTypeOf = (pass: Pass, template: Template): NodeType => {
  if (retryStrategyOf(pass, template) !== undefined) return NodeType.Retry;
  switch (templateTypeOf(template)) {
    case 'steps':
      return NodeType.Steps;
    case 'dag':
      return NodeType.DAG;
    case 'suspend':
      return NodeType.Suspend;
    case 'http':
      return NodeType.HTTP;
    case 'plugin':
      return NodeType.Plugin;
    default:
      return NodeType.Pod;
  }
};

const ask = (pass: Pass, node: TreeNode, locks: WantedLock[]): void => {
  const attempt = nextAttempt(pass.state, node.memory.lockAttempt);
  pass.state.change(node, () => {
    node.memory.lock = 'wanted';
    node.memory.lockAttempt = attempt;
  });
  const priority = pass.state.spec.priority ?? 0;
  pass.state.pending.commands.push({ type: 'wantLocks', holder: node.id, attempt, priority, locks });
};

/** Makes the Pending node of a template with locks, and asks for them. Throws ExecutionError and MissingFact before anything is made. */
export const createWaitingNode = (pass: Pass, request: StartRequest, template: Template): TreeNode => {
  const locks = wantedLocks(pass, template.synchronization ?? {});
  const node = createNode(pass, request, {
    ...shownFields(template),
    type: nodeTypeOf(pass, template),
    phase: NodePhase.Pending,
  });
  ask(pass, node, locks);
  return node;
};

/** Asks (again) for the locks of a node that is there. Throws as `createWaitingNode`. */
export const askForLocks = (pass: Pass, node: TreeNode, template: Template): void =>
  ask(pass, node, wantedLocks(pass, template.synchronization ?? {}));

const setWaits = (state: WorkflowState, shown: string, difference: 1 | -1): void => {
  const waits = { ...(state.header.internal['lockWaits'] as Record<string, number> | undefined) };
  const count = (waits[shown] ?? 0) + difference;
  state.changeHeader((header) => {
    if (count > 0) waits[shown] = count;
    else delete waits[shown];
    header.internal = { ...header.internal, lockWaits: waits };
  });
  if (count <= 0) hideWaiting(state, shown);
};

const stopShowingWait = (state: WorkflowState, node: TreeNode): void => {
  const shown = node.status.synchronizationStatus?.waiting;
  if (shown === undefined) return;
  delete node.status.synchronizationStatus;
  setWaits(state, shown, -1);
};

/** The node has its locks; it goes in when the decision comes to it. */
export const noteGranted = (pass: Pass, node: TreeNode, locks: readonly LockSign[]): void => {
  const { state } = pass;
  state.change(node, () => {
    node.memory.lock = 'held';
    stopShowingWait(state, node);
  });
  showHolding(state, holderName(state, node.id), locks);
};

/** Shows at the node which lock is in its way. */
export const noteWaiting = (
  pass: Pass,
  node: TreeNode,
  lock: LockSign,
  wait: { message: string; holders: readonly string[] },
): void => {
  const { state } = pass;
  const isNew = node.status.synchronizationStatus?.waiting !== lock.shown;
  state.change(node, () => {
    if (isNew) stopShowingWait(state, node);
    node.status.synchronizationStatus = { waiting: lock.shown };
  });
  if (isNew) setWaits(state, lock.shown, 1);
  showWaiting(state, lock, wait.holders);
  setPhase(state, node, { phase: node.status.phase ?? NodePhase.Pending, message: wait.message, nowMs: pass.nowMs });
};

/** Gives back what a node holds or waits for; it is `due` where it will ask again, else `released`. */
export const giveBack = (state: WorkflowState, node: TreeNode, next: 'due' | 'released'): void => {
  const { lock } = node.memory;
  if (lock === undefined || lock === 'released') return;
  node.memory.lock = next;
  stopShowingWait(state, node);
  if (lock === 'due') return;
  if (lock === 'held') hideHolding(state, holderName(state, node.id));
  state.pending.commands.push({ type: 'releaseLocks', holder: node.id });
};

/** The end of a node is the end of its locks (Argo releases when the node is fulfilled). */
export const releaseEnded = (state: WorkflowState, node: TreeNode): void => {
  if (isFulfilled(node.status)) giveBack(state, node, 'released');
};
