import { orderClaimsAgain } from '../claims/claims.js';
import { isFailedOrErrorPhase, isFulfilled, LabelName, NodePhase, NodeType, UserError, WorkflowPhase } from '#libs/workflow-spec';
import type { FoundStatus, WorkflowRequest } from '../contract.js';
import { deletePod } from '../pods/pod-gc.js';
import { isContainer } from '../node-tree/containers.js';
import type { Pass } from '../pass.js';
import { nodeSelector } from '../requests/field-selector.js';
import { noteReopened } from '../synchronization/lock-memory.js';
import { lastAttempt } from '../scope/node-variables.js';
import { isOrderedType } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

type RetryRequest = Extract<WorkflowRequest, { type: 'retry' }>;

const assertRetryable = (state: WorkflowState, request: RetryRequest): void => {
  const { phase } = state.header.status;
  if (phase === WorkflowPhase.Failed || phase === WorkflowPhase.Error) return;
  if (phase !== WorkflowPhase.Succeeded) throw new UserError(`Cannot retry a workflow in phase ${phase ?? ''}`);
  if (request.restartSuccessful !== true || !request.nodeFieldSelector) {
    throw new UserError('To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector');
  }
};

/** Work of an earlier attempt of a series: it stays as it is. */
const isOfEarlierAttempt = (state: WorkflowState, node: TreeNode): boolean => {
  for (let at: TreeNode | undefined = node; at !== undefined; at = state.find(at.memory.owner)) {
    const owner = state.find(at.memory.owner);
    if (at.memory.role === 'attempt' && isContainer(at) && owner !== undefined && lastAttempt(state, owner) !== at) return true;
  }
  return false;
};

const isOwnerSatisfied = (state: WorkflowState, node: TreeNode): boolean =>
  state.find(node.memory.owner)?.status.phase === NodePhase.Succeeded;

/** Pods that failed, and steps that could not even start; a failed suspension stays (Argo's retry leaves it). */
const isToRepeat = (state: WorkflowState, node: TreeNode): boolean =>
  isFailedOrErrorPhase(node.status.phase) &&
  (isOrderedType(node.status.type) || node.status.type === NodeType.Skipped) &&
  !isOwnerSatisfied(state, node) &&
  !isOfEarlierAttempt(state, node);

const chosen = (state: WorkflowState, request: RetryRequest): TreeNode[] => {
  const failed = [...state.nodes.values()].filter((node) => isToRepeat(state, node));
  if (request.restartSuccessful !== true || !request.nodeFieldSelector) return failed;
  return [...failed, ...[...state.nodes.values()].filter(nodeSelector(request.nodeFieldSelector))];
};

/** Everything inside these nodes and everything that came after them. */
const withDescendants = (state: WorkflowState, roots: readonly TreeNode[]): Set<TreeNode> => {
  const found = new Set<TreeNode>();
  const stack = [...roots];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    stack.push(...state.children(node), ...state.ownedBy(node.id));
  }
  return found;
};

const reopen = (state: WorkflowState, node: TreeNode): void =>
  state.change(node, () => {
    node.status.phase = NodePhase.Running;
    node.status.finishedAt = null;
    delete node.status.message;
    delete node.status.outputs;
    delete node.status.outboundNodes;
    delete node.memory.finishedAtMs;
    if (node.memory.cursor !== undefined) node.memory.cursor = 0;
    noteReopened(node);
  });

/** How many members of a loop or group are still there decides where it goes on; a gap makes it look at all of them again. */
const restoreCursor = (state: WorkflowState, node: TreeNode): void => {
  if (node.memory.cursor === undefined) return;
  state.change(node, () => {
    node.memory.cursor = 0;
  });
};

const reopenAround = (state: WorkflowState, removed: ReadonlySet<TreeNode>): void => {
  for (const node of [...removed]) {
    for (let at = state.find(node.memory.owner); at !== undefined; at = state.find(at.memory.owner)) {
      if (removed.has(at)) continue;
      if (isFulfilled(at.status)) reopen(state, at);
      restoreCursor(state, at);
    }
  }
  for (const node of state.nodes.values()) {
    if (!removed.has(node) && isContainer(node) && isFailedOrErrorPhase(node.status.phase) && !isOfEarlierAttempt(state, node))
      reopen(state, node);
  }
};

/** What hangs on a hook keeps the inputs that it was called with. */
const followsArguments = ({ memory }: TreeNode): boolean => memory.role !== 'hook' && memory.role !== 'exit';

const markStale = (state: WorkflowState, node: TreeNode): void =>
  state.change(node, () => {
    node.memory.hasStaleInputs = true;
  });

const overriddenParameters = (parameters: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    parameters.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 0) throw new UserError(`expected parameter of the form: NAME=VALUE. Received: ${text}`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );

const reopenHeader = (pass: Pass, parameters: Record<string, string>): void =>
  pass.state.changeHeader((header) => {
    const { phase: _phase, message: _message, finishedAt: _finishedAt, startedAt: _startedAt, ...status } = header.status;
    header.status = {
      ...status,
      startedAt: null,
      finishedAt: null,
      conditions: [
        { type: 'PodRunning', status: 'False' },
        { type: 'Completed', status: 'False' },
      ],
    };
    delete header.shutdown;
    header.labels = Object.fromEntries(
      Object.entries(header.labels).filter(([name]) => name !== LabelName.completed && name !== LabelName.archivingStatus),
    );
    const {
      finalPhase: _finalPhase,
      deadlineMs: _deadlineMs,
      lock: _lock,
      lockWaits: _lockWaits,
      admission: _admission,
      shutdownDone: _shutdownDone,
      startedAtMs: _startedAtMs,
      ...memory
    } = header.internal;
    const known = (memory['parameters'] ?? {}) as Record<string, string>;
    header.internal = { ...memory, epoch: Number(memory['epoch'] ?? 0) + 1, parameters: { ...known, ...parameters } };
  });

/**
 * Opens a finished workflow again (Argo's `retry`): failed work and whatever came after it is removed, the groups around it run again,
 * exit handlers are forgotten. With `restartSuccessful` the selected nodes go too. Throws UserError where Argo refuses.
 */
export const manualRetry = (pass: Pass, request: RetryRequest): void => {
  assertRetryable(pass.state, request);
  repeat(pass, chosen(pass.state, request), overriddenParameters(request.parameters ?? []));
};

const isKnown = ({ header, submitted }: WorkflowState, name: string, value: string): boolean => {
  const given = header.internal['parameters'] as Record<string, string> | undefined;
  const written = submitted.spec.arguments?.parameters?.find((parameter) => parameter.name === name)?.value;
  return (given?.[name] ?? written) === value;
};

/** The same for an object that Argo's `retry` has opened already: what it has left out is repeated, with the arguments that it has. */
export const retryWithout = (pass: Pass, { nodeIds, parameters }: NonNullable<FoundStatus['reopened']>): void => {
  const { state } = pass;
  const kept = new Set(nodeIds);
  const removed = [...state.nodes.values()].filter(({ id }) => !kept.has(id));
  if (removed.length === 0) return;
  const changed = Object.entries(parameters).filter(([name, value]) => !isKnown(state, name, value));
  repeat(pass, [...chosen(state, { type: 'retry' }), ...removed], Object.fromEntries(changed));
};

const repeat = (pass: Pass, nodes: readonly TreeNode[], parameters: Record<string, string>): void => {
  const { state } = pass;
  const exits = [...state.nodes.values()].filter((node) => node.memory.role === 'exit');
  const removed = withDescendants(state, [...nodes, ...exits]);
  reopenAround(state, removed);
  for (const node of removed) {
    deletePod(pass, node);
    state.remove(node);
  }
  state.derived.clear();
  for (const node of state.nodes.values()) {
    if (!isContainer(node) || isFulfilled(node.status)) continue;
    state.deferred.set(node.id, 'restored');
    if (Object.keys(parameters).length > 0 && followsArguments(node)) markStale(state, node);
  }
  reopenHeader(pass, parameters);
  orderClaimsAgain(pass);
};
