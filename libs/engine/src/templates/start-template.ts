import { NodePhase, NodeType, templateTypeOf, type Template } from '#libs/workflow-spec';
import { addContainers } from '../container-set/container-nodes.js';
import { hasNoSlot } from '../limits/parallelism.js';
import { createNode, shownByAttempt, shownFields, type NodeDraft } from '../node-tree/create-node.js';
import { hitDraft, isHit, memoizationStatus, noteHit, type Hit } from '../memoization/recall.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { isBudgetSpent, type Outcome, type Pass, type StartRequest, type StartResult } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { orderPod } from '../pods/order-pod.js';
import { reusedDraft } from '../reuse/reused-node.js';
import { startSuspension } from '../suspend/suspension.js';
import { createWaitingNode, mustWaitForLocks } from '../synchronization/node-locks.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from './error-message.js';
import { initialProgress } from './initial-progress.js';
import { MissingFact } from './inputs.js';
import { processTemplate, retryStrategyOf, type ProcessedTemplate } from './process-template.js';

/** The node could not be prepared: it shows the reason, and what is above it is told. */
const startFailed = (pass: Pass, request: StartRequest, error: unknown): StartResult => {
  const message = messageOf(error);
  const node = createNode(pass, request, { type: NodeType.Skipped, phase: NodePhase.Error, message });
  return { type: 'node', node, error: message };
};

/** The node of a template that does its own work: what it is, and what happens when it is made. */
export const startBody = (
  pass: Pass,
  request: StartRequest,
  template: Template,
  { retried, more }: Pick<NodeDraft, 'retried' | 'more'>,
): { node: TreeNode } & Outcome => {
  const draft: Partial<NodeDraft> = {
    ...(retried === true ? shownByAttempt(template) : shownFields(template)),
    ...(retried === undefined ? {} : { retried }),
    ...(more === undefined ? {} : { more }),
  };
  return startReused(pass, request, draft) ?? startType(pass, request, template, draft);
};

/** The node of work that is not repeated. */
const startReused = (pass: Pass, request: StartRequest, draft: Partial<NodeDraft>): { node: TreeNode } | undefined => {
  const reused = reusedDraft(pass, request.nodeName);
  if (reused === undefined) return undefined;
  const node = createNode(pass, request, { ...draft, ...reused, more: { ...draft.more, ...reused.more } });
  exportGlobals(pass.state, node.status.outputs);
  return { node };
};

const startType = (
  pass: Pass,
  request: StartRequest,
  template: Template,
  draft: Partial<NodeDraft>,
): { node: TreeNode } & Outcome => {
  const container = (nodeType: NodeType): { node: TreeNode } & Outcome => {
    const node = createNode(pass, request, { ...draft, type: nodeType, phase: NodePhase.Running });
    pass.state.derived.of(node.id, 'template', () => template);
    return { node, ...pass.operations.advance(pass, node) };
  };
  const ordered = (nodeType: NodeType): { node: TreeNode } & Outcome => {
    const more = { ...draft.more, ...initialProgress(template) };
    const node = createNode(pass, request, { ...draft, more, type: nodeType, phase: NodePhase.Pending });
    try {
      orderPod(pass, node, template);
      addContainers(pass, node, template);
    } catch (error) {
      return { node, error: messageOf(error) };
    }
    return { node };
  };
  switch (templateTypeOf(template)) {
    case 'steps':
      return container(NodeType.Steps);
    case 'dag':
      return container(NodeType.DAG);
    case 'container':
    case 'containerSet':
    case 'script':
    case 'resource':
    case 'data':
      return ordered(NodeType.Pod);
    case 'http':
      return ordered(NodeType.HTTP);
    case 'plugin':
      return ordered(NodeType.Plugin);
    case 'suspend': {
      const node = createNode(pass, request, { ...draft, type: NodeType.Suspend, phase: NodePhase.Running });
      startSuspension(pass, node, template);
      return { node };
    }
    default: {
      const message = `Template '${template.name ?? ''}' missing specification`;
      return { node: createNode(pass, request, { type: NodeType.Skipped, phase: NodePhase.Error, message }), error: message };
    }
  }
};

/** A node whose outputs a cache knows: it is there and has succeeded. */
const remembered = (pass: Pass, request: StartRequest, template: Template, known: Hit): StartResult => {
  const node = createNode(pass, request, { ...shownFields(template), ...hitDraft(template, known) });
  exportGlobals(pass.state, node.status.outputs);
  noteHit(pass, known);
  return { type: 'node', node };
};

/** Runs a processed template as the node of this request. */
export const runProcessed = (pass: Pass, request: StartRequest, { template, known }: ProcessedTemplate): StartResult => {
  if (isHit(known)) return remembered(pass, request, template, known);
  const more = known === undefined ? {} : { more: memoizationStatus(known) };
  if (retryStrategyOf(pass, template) === undefined)
    return { type: 'node', ...endedByError(pass, startBody(pass, request, template, more)) };
  const node = createNode(pass, request, { ...shownFields(template), ...more, type: NodeType.Retry, phase: NodePhase.Running });
  return { type: 'node', node, ...pass.operations.advance(pass, node) };
};

/** A body that gave an error shows it, as Argo's executeTemplate marks it. */
export const endedByError = <T extends { node: TreeNode } & Outcome>(pass: Pass, result: T): T => {
  if (result.error !== undefined)
    setPhase(pass.state, result.node, { phase: NodePhase.Error, message: result.error, nowMs: pass.nowMs });
  return result;
};

const notStarted = (pass: Pass, request: StartRequest, error: unknown): StartResult =>
  error instanceof MissingFact ? { type: 'refused', why: 'fact' } : startFailed(pass, request, error);

const prepare = (pass: Pass, request: StartRequest): ProcessedTemplate | StartResult => {
  try {
    return processTemplate(pass, request);
  } catch (error) {
    return notStarted(pass, request, error);
  }
};

/**
 * Runs a template as a new node, or says why it has to wait (Argo's executeTemplate for a node that does not exist). Nested templates are
 * started as far as they go. A failed preparation makes a Skipped node in Error.
 */
export const startTemplate = (pass: Pass, request: StartRequest): StartResult => {
  if (isBudgetSpent(pass)) return { type: 'refused', why: 'budget' };
  const prepared = prepare(pass, request);
  if ('type' in prepared) return prepared;
  // What comes later in the walk does not get ahead, to a slot or a lock, of what waits for a fact; that it misses facts too is known by now.
  if (pass.missing.size > 0) return { type: 'refused', why: 'fact' };
  if (hasNoSlot(pass, request.boundaryId)) return { type: 'refused', why: 'slot' };
  if (isHit(prepared.known) || !mustWaitForLocks(pass, request, prepared.template)) return runProcessed(pass, request, prepared);
  try {
    return { type: 'node', node: createWaitingNode(pass, request, prepared.template) };
  } catch (error) {
    return notStarted(pass, request, error);
  }
};

/** The same for a node that waited in front of its template, has its locks now, and has a slot. */
export const enterTemplate = (pass: Pass, request: StartRequest): StartResult => {
  const prepared = prepare(pass, request);
  return 'type' in prepared ? prepared : runProcessed(pass, request, prepared);
};
