import { GrpcCode, isFulfilled, NodePhase, NodeType, UserError } from '#libs/workflow-spec';
import type { InboxEntry, WorkflowRequest } from '../contract.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { manualRetry } from '../retry/manual-retry.js';
import type { TreeNode } from '../state/tree-node.js';
import { resumeNode, supplyOutputs } from '../suspend/resume.js';
import { isLockedOut } from '../synchronization/lock-memory.js';
import { isFinished } from '../workflow/workflow-phase.js';
import { takeEdit } from './edit.js';
import { nodeSelector } from './field-selector.js';
import { takeRelabel } from './relabel.js';
import { takeRestate } from './restate.js';
import { takeTtl } from './ttl.js';

type RequestEntry = Extract<InboxEntry, { kind: 'request' }>;
type RequestOf<T extends WorkflowRequest['type']> = Extract<WorkflowRequest, { type: T }>;

const internal = (message: string): UserError => new UserError(message, { grpcCode: GrpcCode.Internal });

const openSuspensions = (pass: Pass, selector: string | undefined): TreeNode[] => {
  const isMeant = selector === undefined || selector === '' ? () => true : nodeSelector(selector);
  return [...pass.state.nodes.values()].filter(
    (node) => node.status.type === NodeType.Suspend && !isFulfilled(node.status) && !isLockedOut(node.memory) && isMeant(node),
  );
};

const selectedSuspensions = (pass: Pass, selector: string): TreeNode[] => {
  const nodes = openSuspensions(pass, selector);
  if (nodes.length === 0)
    throw internal(`currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector: ${selector}`);
  return nodes;
};

const setSuspend = (pass: Pass, suspend: boolean): void =>
  pass.state.changeHeader((header) => {
    header.suspend = suspend;
    if (!suspend && pass.state.submitted.spec.suspend !== true) delete header.suspend;
  });

const takeSuspend = (pass: Pass): void => {
  if (isFinished(pass.state)) throw new UserError('cannot suspend completed workflows');
  setSuspend(pass, true);
};

const messageFrom = (user: string | undefined): string =>
  user === undefined || user === '' ? '' : `Resumed by: map[User:${user}]`;

const takeResume = (pass: Pass, request: RequestOf<'resume'>): void => {
  if (isFinished(pass.state)) return;
  const { nodeFieldSelector } = request;
  const nodes = nodeFieldSelector ? selectedSuspensions(pass, nodeFieldSelector) : openSuspensions(pass, undefined);
  for (const node of nodes) resumeNode(pass, node, messageFrom(request.user));
  for (const node of nodes) pass.state.unfollowed.add(node);
  if (!nodeFieldSelector) setSuspend(pass, false);
};

const takeShutdown = (pass: Pass, strategy: 'Stop' | 'Terminate'): void => {
  const { state } = pass;
  if (isFinished(state)) {
    throw internal(
      `cannot shutdown a completed workflow: workflow: ${JSON.stringify(state.name)}, namespace: ${JSON.stringify(state.namespace)}`,
    );
  }
  state.changeHeader((header) => {
    header.shutdown = strategy;
  });
};

const takeStop = (pass: Pass, request: RequestOf<'stop'>): void => {
  if (!request.nodeFieldSelector) {
    takeShutdown(pass, 'Stop');
    return;
  }
  for (const node of selectedSuspensions(pass, request.nodeFieldSelector)) {
    setPhase(pass.state, node, {
      phase: NodePhase.Failed,
      ...(request.message ? { message: request.message } : {}),
      nowMs: pass.nowMs,
    });
    pass.state.unfollowed.add(node);
  }
};

const SETTABLE: ReadonlySet<string> = new Set([NodePhase.Succeeded, NodePhase.Failed, NodePhase.Error]);

const parsedOutputs = (text: string): Record<string, string> => {
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch (cause) {
    throw new UserError(`unable to parse output parameter set request: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
};

const setNode = (pass: Pass, node: TreeNode, request: RequestOf<'set'>): void => {
  if (request.outputParameters) supplyOutputs(pass, node, parsedOutputs(request.outputParameters));
  const before = node.status.message ?? '';
  const message = request.message ? (before === '' ? request.message : `${before}; ${request.message}`) : undefined;
  const phase = request.phase ? (request.phase as NodePhase) : (node.status.phase ?? NodePhase.Running);
  setPhase(pass.state, node, { phase, ...(message === undefined ? {} : { message }), nowMs: pass.nowMs });
  exportGlobals(pass.state, node.status.outputs);
  if (isFulfilled(node.status)) pass.state.unfollowed.add(node);
};

const takeSet = (pass: Pass, request: RequestOf<'set'>): void => {
  if (!request.nodeFieldSelector) throw new UserError('nodeFieldSelector is required');
  if (request.phase && !SETTABLE.has(request.phase)) throw internal(`${request.phase} is not a valid phase to set`);
  for (const node of selectedSuspensions(pass, request.nodeFieldSelector)) setNode(pass, node, request);
};

const take = (pass: Pass, request: WorkflowRequest): void => {
  switch (request.type) {
    case 'suspend':
      return takeSuspend(pass);
    case 'unsuspend':
      return isFinished(pass.state) ? undefined : setSuspend(pass, false);
    case 'resume':
      return takeResume(pass, request);
    case 'stop':
      return takeStop(pass, request);
    case 'terminate':
      return takeShutdown(pass, 'Terminate');
    case 'set':
      return takeSet(pass, request);
    case 'edit':
      return takeEdit(pass, request);
    case 'ttl':
      return takeTtl(pass, request.strategy);
    case 'relabel':
      return takeRelabel(pass, request);
    case 'restate':
      return takeRestate(pass, request.found);
    case 'retry':
      return manualRetry(pass, request);
    case 'delete':
      return;
  }
};

/**
 * Takes a request: its direct effect and its outcome, nothing that follows from it. What follows is left to the next decision, so that the
 * answer shows the workflow as the request left it. A refused request changes nothing.
 */
export const takeRequest = (pass: Pass, { requestId, request }: RequestEntry): void => {
  const { outcomes } = pass.state.pending;
  if (outcomes.some((outcome) => outcome.requestId === requestId)) return;
  try {
    take(pass, request);
    outcomes.push({ requestId, ok: true });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    outcomes.push({ requestId, ok: false, message: error.message, grpcCode: error.grpcCode });
  }
};
