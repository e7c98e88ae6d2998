import { isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { followRunning, heldBoundary, propagate, revisit } from '../following/propagate.js';
import { inWalkOrder } from '../following/walk-order.js';
import { isSuspended } from '../following/suspended.js';
import { hasNoSlot } from '../limits/parallelism.js';
import { isBudgetSpent, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { isActiveOrder } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { processTemplate } from '../templates/process-template.js';
import { startWorkflow } from '../workflow/first-reconcile.js';
import { isFinished } from '../workflow/workflow-phase.js';
import { askForLocks, giveBack } from './node-locks.js';

const kindOf = (pass: Pass, { memory, status }: TreeNode): StartRequest['kind'] => {
  if (memory.role === 'root') return 'step';
  if (memory.role !== 'step' && memory.role !== 'task' && memory.role !== 'item') return 'other';
  return pass.state.find(status.boundaryID)?.status.type === NodeType.DAG ? 'task' : 'step';
};

/** The request that made this node, with the values of its inputs as arguments: they have been resolved. */
const requestOf = (pass: Pass, node: TreeNode): StartRequest => {
  const { status, memory } = node;
  const inline = memory['inline'] as StartRequest['invocation']['inline'];
  return {
    nodeName: status.name,
    invocation: {
      name: memory.name ?? '',
      ...(status.templateName === undefined ? {} : { template: status.templateName }),
      ...(status.templateRef === undefined ? {} : { templateRef: status.templateRef }),
      ...(inline === undefined ? {} : { inline }),
      arguments: { ...status.inputs },
    },
    scope: status.templateScope ?? '',
    ...(status.boundaryID === undefined ? {} : { boundaryId: status.boundaryID }),
    parents: node.parents,
    memory,
    ...(status.nodeFlag?.hooked === true ? { hooked: true } : {}),
    kind: kindOf(pass, node),
  };
};

/** What it does when it has its template: begins, or (a container that a manual retry has opened again) goes on. */
const enter = (pass: Pass, node: TreeNode): void => {
  const { state } = pass;
  if (node.memory['reopened'] === true) {
    state.change(node, () => {
      node.memory.lockEntered = true;
      delete node.memory['reopened'];
      delete node.status.message;
    });
    revisit(pass, node.id);
    return;
  }
  const result = pass.operations.enter(pass, requestOf(pass, node));
  if (result.type === 'refused') return;
  if (isFulfilled(result.node.status) || result.error !== undefined) propagate(pass, result);
  else if (result.node.status.phase === NodePhase.Running) followRunning(pass, result.node);
};

/** A missing fact leaves the node as it is, and the decision is made again with the fact. */
const askAgain = (pass: Pass, node: TreeNode): void => {
  try {
    askForLocks(pass, node, processTemplate(pass, requestOf(pass, node)).template);
  } catch (error) {
    if (error instanceof MissingFact) return;
    setPhase(pass.state, node, { phase: NodePhase.Error, message: messageOf(error), nowMs: pass.nowMs });
    propagate(pass, { node });
  }
};

/** Whether it went in: what follows from that may free slots. */
const goOnWith = (pass: Pass, node: TreeNode): boolean => {
  const { state } = pass;
  if (heldBoundary(pass, node) !== undefined) {
    state.change(node, () => giveBack(state, node, 'released'));
    return false;
  }
  const isHindered = isSuspended(state) || hasNoSlot(pass, node.status.boundaryID);
  if (node.memory.lock === 'due') {
    if (!isHindered) askAgain(pass, node);
  } else if (isHindered) {
    // Others may have the locks until there is room: holding them would let those wait who have to end first.
    state.change(node, () => giveBack(state, node, 'due'));
  } else {
    enter(pass, node);
    return true;
  }
  return false;
};

const hasWorkInside = (pass: Pass, node: TreeNode): boolean =>
  isActiveOrder(node) || pass.state.ownedBy(node.id).some((inner) => hasWorkInside(pass, inner));

/** What a failed step or attempt left behind is not gone on with, and never ends: its locks are free when its pods have ended. */
const releaseAbandoned = (pass: Pass): void => {
  const { state } = pass;
  for (const id of [...state.lockHolders]) {
    const node = state.get(id);
    if (isActiveOrder(node) || heldBoundary(pass, node) === undefined || hasWorkInside(pass, node)) continue;
    state.change(node, () => giveBack(state, node, 'released'));
  }
};

const goOnWithWork = (pass: Pass): boolean => {
  const { state } = pass;
  let hasEntered = false;
  for (const id of inWalkOrder(state, state.lockWork)) {
    if (isFinished(state) || pass.missing.size > 0) return false;
    if (isBudgetSpent(pass)) {
      state.deferred.set('', 'budget');
      return false;
    }
    const node = state.find(id);
    if (node !== undefined && state.lockWork.has(id) && goOnWith(pass, node)) hasEntered = true;
  }
  return hasEntered;
};

/**
 * Goes on with what has got its locks, and asks again for those that had to give theirs back, in tree order. Nodes whose boundary has
 * ended or is held by failFast do not go in any more. True where one went in: slots that it has freed are to be given, and those asked
 * again who found none; each time somebody's wait is over, so this ends.
 */
export const goOnWithLocks = (pass: Pass): boolean => {
  const { state } = pass;
  const { admission, lock } = state.header.internal;
  if (state.root === undefined && (admission ?? lock) !== undefined) startWorkflow(pass);
  const hasEntered = state.lockWork.size > 0 && goOnWithWork(pass);
  if (state.lockHolders.size > 0 && !isFinished(state)) releaseAbandoned(pass);
  return hasEntered;
};
