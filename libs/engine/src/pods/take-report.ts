import { formatTime, isDaemoned, isFulfilled, NodePhase, NodeType, type Outputs } from '#libs/workflow-spec';
import { endContainers, takeContainers } from '../container-set/container-nodes.js';
import type { PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { locatedOutputs } from '../outputs/located-outputs.js';
import { isShutDownFor, shutdownPodMessage } from '../limits/shutdown.js';
import { completeProgress, isOrderedType } from '../state/counters.js';
import { templateOf } from '../templates/process-template.js';
import { collectEndedPod } from './pod-gc.js';
import { restartPod } from './restart-pod.js';
import { resourcesDurationOf } from './resources-duration.js';
import type { TreeNode } from '../state/tree-node.js';

/** The node that a report is about, if it is about its present pod and the node still waits for it. A ready daemon does until it is ended. */
export const addressee = (pass: Pass, report: PodReport): TreeNode | undefined => {
  const node = pass.state.find(report.nodeId);
  if (node === undefined || !isOrderedType(node.status.type)) return undefined;
  if (isFulfilled(node.status) && !isDaemoned(node.status)) return undefined;
  return node.memory.incarnation === report.incarnation ? node : undefined;
};

/** What runs when a shutdown is carried out counts as ended by it. */
const isEndedByShutdown = ({ state }: Pass, node: TreeNode): boolean =>
  node.memory.stopping === 'shutdown' && isShutDownFor(state, node);

/** A daemon that ends by itself has failed, however well, and so has what a shutdown or the workflow's deadline ended, whether or not it began. */
const endPhase = (pass: Pass, node: TreeNode, report: PodReport): NodePhase => {
  if (node.memory.stopping === 'deadline') return NodePhase.Failed;
  const isEndWanted = templateOf(pass, node).daemon !== true && !isEndedByShutdown(pass, node);
  if (report.phase === 'Succeeded') return isEndWanted ? NodePhase.Succeeded : NodePhase.Failed;
  if (report.phase === 'Gone') return NodePhase.Error;
  return report.infrastructure === true ? NodePhase.Error : NodePhase.Failed;
};

/** Message of an ended pod: what the engine did to it comes before what its container said. */
const endMessage = (pass: Pass, node: TreeNode, report: PodReport): string | undefined => {
  if (isEndedByShutdown(pass, node)) return shutdownPodMessage(pass.state);
  if (node.memory.stopping === 'deadline') return 'Step exceeded its deadline';
  if (report.phase === 'Succeeded') return undefined;
  return report.message ?? (report.phase === 'Gone' ? 'pod deleted' : undefined);
};

/** Of a container set only a member called `main` gives one. */
const exitCodeOf = (pass: Pass, node: TreeNode, report: PodReport): number | undefined =>
  templateOf(pass, node).containerSet === undefined
    ? report.exitCode
    : report.containers?.find(({ name }) => name === 'main')?.exitCode;

const mergedOutputs = (pass: Pass, node: TreeNode, report: PodReport): Outputs | undefined => {
  const reported = report.outputs === undefined ? undefined : locatedOutputs(pass, node, report.outputs);
  const exitCode = node.memory.stopping === undefined ? exitCodeOf(pass, node, report) : undefined;
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
    delete node.status.daemoned;
    if (isPod) node.status.resourcesDuration ??= resourcesDurationOf(templateOf(pass, node), runningMs, report.containers);
    if (outputs !== undefined) node.status.outputs = outputs;
    if (isPod && report.phase === 'Succeeded' && !isEndedByShutdown(pass, node))
      node.status.progress = completeProgress(node.status.progress);
    if (report.finishedAtMs !== undefined) {
      node.status.finishedAt = formatTime(report.finishedAtMs);
      node.memory.finishedAtMs = report.finishedAtMs;
    }
  });
  const message = endMessage(pass, node, report) ?? (isPod ? '' : (report.message ?? ''));
  setPhase(state, node, { phase: endPhase(pass, node, report), message, nowMs });
  takeContainers(pass, node, report);
  endContainers(pass, node);
  exportGlobals(state, node.status.outputs);
  collectEndedPod(pass, node);
};

/** A daemon that is ready counts as done for those who wait for it, and goes on running. */
const noteReady = (pass: Pass, node: TreeNode, report: PodReport): void => {
  if (report.ready !== true || isDaemoned(node.status) || templateOf(pass, node).daemon !== true) return;
  pass.state.change(node, () => {
    node.status.daemoned = true;
  });
};

/**
 * Takes a report over into its node. Reports of other incarnations and of ended nodes change nothing, nor does Pending after Running.
 * Returns whether the node has changed its phase, or has become a ready daemon.
 */
export const takeReport = (pass: Pass, node: TreeNode, report: PodReport): boolean => {
  const before = node.status.phase;
  const wasDaemoned = isDaemoned(node.status);
  noteFacts(pass, node, report);
  if (report.phase === 'Running') {
    setPhase(pass.state, node, { phase: NodePhase.Running, message: report.message ?? '', nowMs: pass.nowMs });
    takeContainers(pass, node, report);
    noteReady(pass, node, report);
  } else if (report.phase === 'Pending') {
    // Without one the pod waits for nothing any more that anybody can name.
    if (before === NodePhase.Pending)
      setPhase(pass.state, node, { phase: NodePhase.Pending, message: report.message ?? '', nowMs: pass.nowMs });
  } else if (!restartPod(pass, node, report)) {
    takeEnd(pass, node, report);
  }
  return node.status.phase !== before || isDaemoned(node.status) !== wasDaemoned;
};
