import { isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import type { ChangedChild, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { passTimeout } from './pass-timeout.js';
import { isShutDownFor, shutdownMessage, shutdownOf } from './shutdown.js';
import { isActiveOrder } from '../state/counters.js';
import { lookAgain } from '../state/look-again.js';
import { isLockedOut } from '../synchronization/lock-memory.js';
import { endSuspension, noteSuspensionDone } from '../suspend/resume.js';
import type { WorkflowState } from '../state/workflow-state.js';
import type { TreeNode } from '../state/tree-node.js';

const DEADLINE_MESSAGE = 'Step exceeded its deadline';

/** Ends everything that is open and meant: pods are asked to, what has no pod fails at once, a series of attempts is judged anew. */
const endOpen = (
  pass: Pass,
  end: { isMeant: (node: TreeNode) => boolean; reason: 'shutdown' | 'deadline'; message: string },
): ChangedChild[] => {
  const { state, nowMs } = pass;
  const changed: ChangedChild[] = [];
  for (const node of [...state.nodes.values()]) {
    if (isFulfilled(node.status) || !end.isMeant(node)) continue;
    if (isActiveOrder(node)) {
      stopPod(pass, node, end.reason);
    } else if (node.status.type === NodeType.Suspend || isLockedOut(node.memory)) {
      setPhase(state, node, { phase: NodePhase.Failed, message: end.message, nowMs });
      changed.push({ node });
    } else if (node.status.type === NodeType.Retry && node.memory.wakeAtMs !== undefined) {
      changed.push(...wakeRetry(pass, node));
    }
  }
  return changed;
};

/** The workflow's deadline has come; exit handlers have none. */
const passDeadline = (pass: Pass): ChangedChild[] =>
  endOpen(pass, { isMeant: (node) => node.memory.onExit !== true, reason: 'deadline', message: DEADLINE_MESSAGE });

/** Carries a shutdown out, once for each strategy: Terminate may follow Stop. */
export const carryOutShutdown = (pass: Pass): ChangedChild[] => {
  const { state } = pass;
  const strategy = shutdownOf(state);
  if (strategy === undefined || state.header.internal['shutdownDone'] === strategy) return [];
  state.changeHeader((header) => {
    header.internal = { ...header.internal, shutdownDone: strategy };
  });
  const ended = endOpen(pass, {
    isMeant: (node) => isShutDownFor(state, node),
    reason: 'shutdown',
    message: shutdownMessage(state),
  });
  lookAgain(state);
  return ended;
};

/** Asks a pod to end, once; its end is reported as any other. */
const stopPod = (pass: Pass, node: TreeNode, reason: 'shutdown' | 'deadline'): void => {
  if (node.memory.stopping !== undefined || node.memory.incarnation === undefined) return;
  pass.state.change(node, () => {
    node.memory.stopping = reason;
  });
  pass.state.pending.commands.push({ type: 'stopPod', nodeId: node.id, incarnation: node.memory.incarnation, reason });
};

const wakeRetry = (pass: Pass, node: TreeNode): ChangedChild[] => {
  pass.state.change(node, () => {
    delete node.memory.wakeAtMs;
  });
  pass.operations.advance(pass, node);
  return isFulfilled(node.status) ? [{ node }] : [];
};

const wake = (pass: Pass, id: string): ChangedChild[] => {
  if (id === '') return passDeadline(pass);
  const node = pass.state.find(id);
  if (node === undefined || isFulfilled(node.status)) return [];
  if (node.status.type === NodeType.Retry) return wakeRetry(pass, node);
  if (isActiveOrder(node)) return passTimeout(pass, node);
  if (node.status.type !== NodeType.Suspend) return [];
  endSuspension(pass, node);
  noteSuspensionDone(pass, node);
  return [{ node }];
};

const inTreeOrder = (state: WorkflowState, ids: readonly string[]): string[] =>
  [...ids].sort((left, right) => (state.find(left)?.ordinal ?? -1) - (state.find(right)?.ordinal ?? -1));

/** Takes everything whose time has come and gives the nodes that it changed. */
export const takeWakeups = (pass: Pass): ChangedChild[] =>
  inTreeOrder(pass.state, pass.state.wakeups.due(pass.nowMs)).flatMap((id) => wake(pass, id));
