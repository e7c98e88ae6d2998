import { NodePhase } from '#libs/workflow-spec';
import type { PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { attemptTemplate } from '../retry/attempt-template.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { orderPod } from './order-pod.js';
import { deletePod } from './pod-gc.js';

/** Why a pod may fail that never began, through no fault of its own; as often as the configuration says. */
const REASONS: ReadonlySet<string> = new Set(['Evicted', 'NodeShutdown', 'NodeAffinity', 'UnexpectedAdmissionError']);
/** Its start was cut off, as by a restart of the kubelet: an outage of the infrastructure, which fails nobody's workflow. Argo lets it fail. */
const CUT_OFF = 'StartError';
/** Somebody deleted it. Argo makes the pod of a Pending node again as often as it is missing. */
const DELETED = 'Deleted';
/** Where the configuration says nothing: the cause may be one that does not pass. */
const CUT_OFF_RESTARTS = 3;

const mostRestarts = ({ config }: Pass, reason: string): number => {
  const configured = config.failedPodRestart?.maxRestarts ?? 0;
  if (reason === CUT_OFF) return Math.max(configured, CUT_OFF_RESTARTS);
  return REASONS.has(reason) ? configured : 0;
};

const isToRestart = (pass: Pass, { status, memory }: TreeNode, { phase, neverBegan }: PodReport): boolean =>
  phase === 'Failed' &&
  neverBegan !== undefined &&
  memory.stopping === undefined &&
  (neverBegan === DELETED
    ? status.phase === NodePhase.Pending
    : (status.failedPodRestarts ?? 0) < mostRestarts(pass, neverBegan));

/**
 * Orders a new pod for a node whose pod has failed before its main container began (Argo's failedPodRestart, starts that were cut off, and pods that somebody
 * deleted): no attempt of a series is spent by it. False where the failure counts.
 */
export const restartPod = (pass: Pass, node: TreeNode, report: PodReport): boolean => {
  if (!isToRestart(pass, node, report)) return false;
  const { state, nowMs } = pass;
  const owner = state.find(node.memory.owner);
  const isAttempt = node.memory.role === 'attempt' && owner !== undefined;
  const template = isAttempt ? attemptTemplate(pass, owner, node.memory.index ?? 0) : templateOf(pass, node);
  deletePod(pass, node);
  const isDeleted = report.neverBegan === DELETED;
  if (!isDeleted)
    state.change(node, () => {
      node.status.failedPodRestarts = (node.status.failedPodRestarts ?? 0) + 1;
    });
  const why = `Pod auto-restarting due to ${report.neverBegan ?? ''}${report.message === undefined ? '' : `: ${report.message}`}`;
  setPhase(state, node, { phase: NodePhase.Pending, message: isDeleted ? (report.message ?? '') : why, nowMs });
  orderPod(pass, node, template);
  return true;
};
