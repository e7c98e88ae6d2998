import { NodePhase } from '#libs/workflow-spec';
import type { PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { attemptTemplate } from '../retry/attempt-template.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { orderPod } from './order-pod.js';
import { deletePod } from './pod-gc.js';

/** Why a pod may fail that never began, through no fault of its own. */
const REASONS: ReadonlySet<string> = new Set(['Evicted', 'NodeShutdown', 'NodeAffinity', 'UnexpectedAdmissionError']);

const isToRestart = (pass: Pass, { status, memory }: TreeNode, { phase, neverBegan }: PodReport): boolean =>
  phase === 'Failed' &&
  neverBegan !== undefined &&
  REASONS.has(neverBegan) &&
  memory.stopping === undefined &&
  (status.failedPodRestarts ?? 0) < (pass.config.failedPodRestart?.maxRestarts ?? 0);

/**
 * Orders a new pod for a node whose pod has failed before its main container began (Argo's failedPodRestart): no attempt of a series is spent by
 * it. False where the failure counts.
 */
export const restartPod = (pass: Pass, node: TreeNode, report: PodReport): boolean => {
  if (!isToRestart(pass, node, report)) return false;
  const { state, nowMs } = pass;
  const owner = state.find(node.memory.owner);
  const isAttempt = node.memory.role === 'attempt' && owner !== undefined;
  const template = isAttempt ? attemptTemplate(pass, owner, node.memory.index ?? 0) : templateOf(pass, node);
  deletePod(pass, node);
  state.change(node, () => {
    node.status.failedPodRestarts = (node.status.failedPodRestarts ?? 0) + 1;
  });
  const message = `Pod auto-restarting due to ${report.neverBegan ?? ''}${report.message === undefined ? '' : `: ${report.message}`}`;
  setPhase(state, node, { phase: NodePhase.Pending, message, nowMs });
  orderPod(pass, node, template);
  return true;
};
