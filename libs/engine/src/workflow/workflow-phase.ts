import { formatTime, isFinishedWorkflowPhase, LabelName, NodePhase, WorkflowPhase } from '#libs/workflow-spec';
import { releaseClaims } from '../claims/claims.js';
import { endDaemons } from '../daemons/end-daemons.js';
import { isActiveOrder } from '../state/counters.js';
import { releaseEverything } from '../synchronization/release-everything.js';
import type { Pass } from '../pass.js';
import { collectAllPods } from '../pods/pod-gc.js';
import { setPhase } from '../phase/transitions.js';
import { setCondition } from './conditions.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** Whether any pod runs; said from the first pod on. */
export const notePodRunning = (state: WorkflowState): void => {
  if (state.counters.pods > 0)
    setCondition(state, { type: 'PodRunning', status: state.counters.runningPods > 0 ? 'True' : 'False' });
};

/** Whether the workflow has its final phase. */
export const isFinished = (state: WorkflowState): boolean => isFinishedWorkflowPhase(state.header.status.phase);

/** Changes the workflow's phase with its labels and times (Argo's markWorkflowPhase); a final phase is never left here. */
export const setWorkflowPhase = (pass: Pass, phase: WorkflowPhase, message: string): void => {
  const { state, nowMs } = pass;
  if (isFinished(state)) return;
  const isFinal = isFinishedWorkflowPhase(phase);
  state.changeHeader((header) => {
    const { message: _message, ...status } = header.status;
    header.status = { ...status, phase, ...(message === '' ? {} : { message }) };
    if ((header.status.startedAt ?? null) === null && phase !== WorkflowPhase.Pending) {
      header.status.startedAt = formatTime(nowMs);
      header.internal = { ...header.internal, startedAtMs: nowMs };
    }
    if (isFinal) header.status.finishedAt = formatTime(nowMs);
    header.labels = { ...header.labels, [LabelName.phase]: phase, [LabelName.completed]: isFinal ? 'true' : 'false' };
  });
  if (phase === WorkflowPhase.Error && state.root?.status.phase === NodePhase.Running) {
    setPhase(state, state.root, { phase: NodePhase.Error, message: 'Workflow operation error', nowMs });
  }
  if (isFinal) finish(pass);
};

const noteResources = (state: WorkflowState): void => {
  const total: Record<string, number> = {};
  for (const { status } of state.nodes.values()) {
    for (const [resource, seconds] of Object.entries(status.resourcesDuration ?? {}))
      total[resource] = (total[resource] ?? 0) + seconds;
  }
  if (Object.keys(total).length > 0) state.header.status.resourcesDuration = total;
};

/** The end of everything: pods that nobody waits for any more are ended, and those who follow are told. */
const finish = (pass: Pass): void => {
  const { state } = pass;
  endDaemons(pass, true);
  noteResources(state);
  notePodRunning(state);
  setCondition(state, { type: 'Completed', status: 'True' });
  if (state.counters.activeOrders > 0) {
    for (const node of state.nodes.values()) {
      if (isActiveOrder(node) && node.memory.incarnation !== undefined) {
        state.pending.commands.push({
          type: 'stopPod',
          nodeId: node.id,
          incarnation: node.memory.incarnation,
          reason: 'shutdown',
        });
      }
    }
  }
  collectAllPods(pass);
  releaseClaims(pass);
  releaseEverything(state);
  state.pending.commands.push({ type: 'finish' });
};
