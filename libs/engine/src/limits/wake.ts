import { isFulfilled, NodePhase, NodeType, type Parameter } from '#libs/workflow-spec';
import type { ChangedChild, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { completeProgress, isActivePod } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';

const DEADLINE_MESSAGE = 'Step exceeded its deadline';

/** Ends what must not outlive the workflow's deadline: running pods are asked to, everything that has no pod fails at once. */
const passDeadline = (pass: Pass): ChangedChild[] => {
  const { state, nowMs } = pass;
  const changed: ChangedChild[] = [];
  for (const node of state.nodes.values()) {
    if (isFulfilled(node.status) || node.memory.onExit === true) continue;
    if (isActivePod(node)) {
      stopPod(pass, node, 'deadline');
    } else if (node.status.type === NodeType.Suspend) {
      setPhase(state, node, { phase: NodePhase.Failed, message: DEADLINE_MESSAGE, nowMs });
      changed.push({ node });
    } else if (node.status.type === NodeType.Retry && node.memory.wakeAtMs !== undefined) {
      changed.push(...wakeRetry(pass, node));
    }
  }
  return changed;
};

/** Asks a pod to end, once; its end is reported as any other. */
export const stopPod = (pass: Pass, node: TreeNode, reason: 'shutdown' | 'deadline'): void => {
  if (node.memory.stopping !== undefined || node.memory.incarnation === undefined) return;
  pass.state.change(node, () => {
    node.memory.stopping = reason;
  });
  pass.state.pending.commands.push({ type: 'stopPod', nodeId: node.id, incarnation: node.memory.incarnation, reason });
};

const suppliedDefaults = (parameters: readonly Parameter[] | undefined): Parameter[] | undefined =>
  parameters?.map((parameter) =>
    parameter.value === undefined && parameter.valueFrom?.default !== undefined ? { ...parameter, value: parameter.valueFrom.default } : parameter,
  );

/** A suspension whose time is over goes on as if someone had resumed it. */
export const endSuspension = (pass: Pass, node: TreeNode): void => {
  const parameters = suppliedDefaults(node.status.outputs?.parameters);
  const missing = parameters?.find((parameter) => parameter.value === undefined);
  if (missing !== undefined) {
    const message = `raw output parameter '${missing.name}' has not been set and does not have a default value`;
    setPhase(pass.state, node, { phase: NodePhase.Error, message, nowMs: pass.nowMs });
    return;
  }
  pass.state.change(node, () => {
    if (parameters !== undefined) node.status.outputs = { ...node.status.outputs, parameters };
    node.status.progress = completeProgress(node.status.progress);
  });
  setPhase(pass.state, node, { phase: NodePhase.Succeeded, nowMs: pass.nowMs });
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
  if (node.status.type !== NodeType.Suspend) return [];
  endSuspension(pass, node);
  return [{ node }];
};

/** Takes everything whose time has come and gives the nodes that it changed. */
export const takeWakeups = (pass: Pass): ChangedChild[] => pass.state.wakeups.due(pass.nowMs).flatMap((id) => wake(pass, id));
