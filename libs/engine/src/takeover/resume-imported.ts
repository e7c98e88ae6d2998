import { isDaemoned, isFulfilled, NodePhase, NodeType, parseDuration, type Template } from '#libs/workflow-spec';
import { orderClaims } from '../claims/claims.js';
import { isShutDownFor } from '../limits/shutdown.js';
import { asJson, isBudgetSpent, type Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { orderPod } from '../pods/order-pod.js';
import { takeRepository } from '../repository/workflow-repository.js';
import { attemptTemplate } from '../retry/attempt-template.js';
import { invocationOf } from '../retry/refresh-inputs.js';
import { isOrderedType } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { isLockedOut } from '../synchronization/lock-memory.js';
import { holdLocks, holdWorkflowLocks } from '../synchronization/hold-locks.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { podNameOf, templateOf } from '../templates/process-template.js';
import { takeTemplateReferenceAnew } from '../workflow/first-reconcile.js';

const IMPORTED = 'imported';

/** Whether the workflow came from its object and what it was doing has not been taken up yet. */
export const isToResume = ({ state }: Pass): boolean => state.header.internal[IMPORTED] === true;

const NAMELESS: ReadonlySet<string> = new Set([NodeType.StepGroup, NodeType.TaskGroup, NodeType.Skipped, NodeType.Container]);

/** A template that stands in its step is in no other place of a status; it is found where it is written. */
const restoreInline = (pass: Pass, node: TreeNode): void => {
  const { status, memory } = node;
  if (
    memory['inline'] !== undefined ||
    status.templateName !== undefined ||
    status.templateRef !== undefined ||
    NAMELESS.has(status.type)
  )
    return;
  const owner = pass.state.find(memory.owner);
  const inline = memory.role === 'attempt' ? owner?.memory['inline'] : asJson(invocationOf(pass, node)?.inline);
  if (inline === undefined) return;
  pass.state.change(node, () => {
    node.memory['inline'] = inline;
  });
};

const podTemplate = (pass: Pass, node: TreeNode): Template => {
  const owner = pass.state.find(node.memory.owner);
  if (node.memory.role === 'attempt' && owner !== undefined) return attemptTemplate(pass, owner, node.memory.index ?? 0);
  const { name, templateName = '', templateRef } = node.status;
  return templateOf(pass, node, new Map([['pod.name', podNameOf(pass, name, templateRef?.template ?? templateName)]]));
};

/** Its pod or task is wanted again. One that has been seen running is never made anew: where its pod is gone it ends. */
const orderAgain = (pass: Pass, node: TreeNode): void => {
  const isPod = node.status.type === NodeType.Pod;
  const isNew = node.status.phase === NodePhase.Pending && !isShutDownFor(pass.state, node);
  const adopts = isNew ? 'first' : 'only';
  orderPod(pass, node, podTemplate(pass, node), isPod ? { adopts } : {});
};

const suspendAgain = (pass: Pass, node: TreeNode): void => {
  if (node.memory.wakeAtMs !== undefined) return;
  const { duration } = templateOf(pass, node).suspend ?? {};
  if (duration === undefined || duration === '') return;
  pass.state.change(node, () => {
    node.memory.wakeAtMs = (node.memory.startedAtMs ?? pass.nowMs) + parseDuration(duration);
  });
};

const resumeNode = (pass: Pass, node: TreeNode): void => {
  const { status, memory } = node;
  restoreInline(pass, node);
  if ((isFulfilled(status) && !isDaemoned(status)) || isLockedOut(memory)) return;
  if (memory.lock === 'held') holdLocks(pass, node);
  if (isOrderedType(status.type) && memory.incarnation === undefined) orderAgain(pass, node);
  else if (status.type === NodeType.Suspend) suspendAgain(pass, node);
};

/** What cannot be taken up is an error of its node; a missing fact is asked for, and the walk begins again where it stopped. */
const resumeOrFail = (pass: Pass, node: TreeNode): 'done' | 'missing' => {
  try {
    resumeNode(pass, node);
  } catch (error) {
    if (error instanceof MissingFact) return 'missing';
    const message = messageOf(error);
    if (isFulfilled(node.status)) return 'done';
    setPhase(pass.state, node, { phase: NodePhase.Error, message, nowMs: pass.nowMs });
    pass.state.unfollowed.add(node);
  }
  return 'done';
};

/** The header's own part, before any node's: what a node is ordered with follows from it. */
const resumeWorkflow = (pass: Pass): boolean => {
  const { state, config } = pass;
  if (state.header.internal['resumed'] === true) return true;
  if (config.templateReferencing !== undefined && !takeTemplateReferenceAnew(pass)) return false;
  // Of where artifacts go the reference is believed, the place is looked up: a status can be written by whoever can write workflows.
  if (takeRepository(pass) === 'missing') return false;
  if (state.header.internal['lock'] !== undefined) holdWorkflowLocks(pass);
  if (state.header.internal['claims'] !== undefined) orderClaims(pass);
  state.changeHeader((header) => {
    header.internal = { ...header.internal, resumed: true };
  });
  return true;
};

/**
 * Takes up what an imported workflow was doing: pods and tasks that are open are ordered under identities of ours, pods that are there to be
 * adopted; suspensions get their end back, locks their holders, claims their orders. In as many decisions as it needs; nothing else is
 * decided before. False while it is not through.
 */
export const resumeImported = (pass: Pass): boolean => {
  const { state } = pass;
  if (!isToResume(pass)) return true;
  if (!resumeWorkflow(pass)) return false;
  for (const node of state.nodes.values()) {
    if (isBudgetSpent(pass)) {
      state.deferred.set('', 'budget');
      return false;
    }
    if (resumeOrFail(pass, node) === 'missing') return false;
  }
  state.changeHeader((header) => {
    const { [IMPORTED]: _imported, resumed: _resumed, ...internal } = header.internal;
    header.internal = internal;
  });
  return true;
};
