import { formatTime, isFulfilled, NodePhase, NodeType, type Outputs } from '#libs/workflow-spec';
import type { PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { locatedOutputs } from '../outputs/located-outputs.js';
import { isShutDownFor, shutdownPodMessage } from '../limits/shutdown.js';
import { completeProgress, isOrderedType } from '../state/counters.js';
import { templateOf } from '../templates/process-template.js';
import { collectEndedPod } from './pod-gc.js';
import { resourcesDurationOf } from './resources-duration.js';
import type { TreeNode } from '../state/tree-node.js';

/** The node that a report is about, if it is about its present pod and the node still waits for it. */
export const addressee = (pass: Pass, report: PodReport): TreeNode | undefined => {
  const node = pass.state.find(report.nodeId);
  if (node === undefined || !isOrderedType(node.status.type) || isFulfilled(node.status)) return undefined;
  return node.memory.incarnation === report.incarnation ? node : undefined;
};

const endPhase = (report: PodReport): NodePhase => {
  if (report.phase === 'Succeeded') return NodePhase.Succeeded;
  if (report.phase === 'Gone') return NodePhase.Error;
  return report.infrastructure === true ? NodePhase.Error : NodePhase.Failed;
};

/** Message of an ended pod: what the engine did to it comes before what its container said. */
const endMessage = (pass: Pass, node: TreeNode, report: PodReport): string | undefined => {
  if (report.phase === 'Succeeded') return undefined;
  if (node.memory.stopping === 'shutdown' && isShutDownFor(pass.state, node)) return shutdownPodMessage(pass.state);
  if (node.memory.stopping === 'deadline') return 'Step exceeded its deadline';
  return report.message ?? (report.phase === 'Gone' ? 'pod deleted' : undefined);
};

const mergedOutputs = (pass: Pass, node: TreeNode, report: PodReport): Outputs | undefined => {
  const reported = report.outputs === undefined ? undefined : locatedOutputs(pass, node, report.outputs);
  const exitCode = node.memory.stopping === undefined ? report.exitCode : undefined;
  if (reported === undefined && exitCode === undefined) return undefined;
  return { ...reported, ...(exitCode === undefined ? {} : { exitCode: String(exitCode) }) };
};

const noteFacts = (pass: Pass, node: TreeNode, report: PodReport): void => {
  pass.state.change(node, () => {
    if (report.podIP !== undefined) node.status.podIP = report.podIP;
    if (report.hostNodeName !== undefined) node.status.hostNodeName = report.hostNodeName;
    if (report.progress !== undefined) node.status.progress = report.progress;
    if (report.resourcesDuration !== undefined) node.status.resourcesDuration = report.resourcesDuration;
  });
};

const takeEnd = (pass: Pass, node: TreeNode, report: PodReport): void => {
  const { state, nowMs } = pass;
  const outputs = mergedOutputs(pass, node, report);
  const runningMs = (report.finishedAtMs ?? nowMs) - (report.startedAtMs ?? node.memory.startedAtMs ?? nowMs);
  const isPod = node.status.type === NodeType.Pod;
  state.change(node, () => {
    if (isPod) node.status.resourcesDuration ??= resourcesDurationOf(templateOf(pass, node), runningMs);
    if (outputs !== undefined) node.status.outputs = outputs;
    if (isPod && report.phase === 'Succeeded') node.status.progress = completeProgress(node.status.progress);
    if (report.finishedAtMs !== undefined) {
      node.status.finishedAt = formatTime(report.finishedAtMs);
      node.memory.finishedAtMs = report.finishedAtMs;
    }
  });
  const message = endMessage(pass, node, report) ?? (isPod ? '' : (report.message ?? ''));
  setPhase(state, node, { phase: endPhase(report), message, nowMs });
  exportGlobals(state, node.status.outputs);
  collectEndedPod(pass, node);
};

/**
 * Takes a report over into its node. Reports of other incarnations and of ended nodes change nothing, nor does Pending after Running.
 * Returns whether the node has changed its phase.
 */
export const takeReport = (pass: Pass, node: TreeNode, report: PodReport): boolean => {
  const before = node.status.phase;
  noteFacts(pass, node, report);
  if (report.phase === 'Running') {
    setPhase(pass.state, node, { phase: NodePhase.Running, message: report.message ?? '', nowMs: pass.nowMs });
  } else if (report.phase === 'Pending') {
    if (before === NodePhase.Pending && report.message !== undefined) {
      setPhase(pass.state, node, { phase: NodePhase.Pending, message: report.message, nowMs: pass.nowMs });
    }
  } else {
    takeEnd(pass, node, report);
  }
  return node.status.phase !== before;
};
