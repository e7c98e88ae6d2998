import {
  AnnotationName,
  NodePhase,
  WorkflowPhase,
  formatGoDuration,
  isFailedOrErrorPhase,
  parseDuration,
  type PodGC,
} from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { isOrderedType } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';

interface LabelRequirement {
  key: string;
  operator: string;
  values?: string[];
}

const isMet = (labels: Readonly<Record<string, string>>, { key, operator, values = [] }: LabelRequirement): boolean => {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
};

/** Whether `podGC.labelSelector` means the pod; without a selector every pod is meant. */
const isSelected = (pass: Pass, node: TreeNode, { labelSelector }: PodGC): boolean => {
  if (labelSelector === undefined) return true;
  const labels = templateOf(pass, node).metadata?.labels ?? {};
  const { matchLabels = {}, matchExpressions = [] } = labelSelector as {
    matchLabels?: Record<string, string>;
    matchExpressions?: LabelRequirement[];
  };
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((requirement) => isMet(labels, requirement))
  );
};

const DEFAULT_DELETE_DELAY_MS = 5_000;

/** What Argo's pods say of their collection: strategy and delay. */
export const podGcAnnotation = (podGC: PodGC | undefined): Record<string, string> => {
  if (podGC === undefined) return {};
  const delayMs = podGC.deleteDelayDuration ? parseDuration(podGC.deleteDelayDuration) : DEFAULT_DELETE_DELAY_MS;
  return { [AnnotationName.podGcStrategy]: `${podGC.strategy ?? ''}/${formatGoDuration(delayMs)}` };
};

/** Lets the runtime forget the pod of a node, if it ever had one. */
export const deletePod = (pass: Pass, node: TreeNode, delayMs?: number): void => {
  const { incarnation } = node.memory;
  if (incarnation === undefined) return;
  const delay = delayMs === undefined || delayMs <= 0 ? {} : { delayMs };
  pass.state.pending.commands.push({ type: 'deletePod', nodeId: node.id, incarnation, ...delay });
};

/** How long ended pods are kept. Argo's default of 5 s only spares its API server; here they go at once unless the spec says more. */
const delayOf = ({ deleteDelayDuration }: PodGC, { config }: Pass): number | undefined =>
  deleteDelayDuration === undefined || deleteDelayDuration === '' ? config.podDeleteDelayMs : parseDuration(deleteDelayDuration);

/** A pod has ended: it goes now under `OnPodCompletion`, and under `OnPodSuccess` if it succeeded. Without a strategy pods stay with their workflow. */
export const collectEndedPod = (pass: Pass, node: TreeNode): void => {
  const podGC = pass.state.spec.podGC;
  if (podGC === undefined || !isSelected(pass, node, podGC)) return;
  const isWanted =
    podGC.strategy === 'OnPodCompletion' || (podGC.strategy === 'OnPodSuccess' && node.status.phase === NodePhase.Succeeded);
  if (isWanted) deletePod(pass, node, delayOf(podGC, pass));
};

/** The workflow has ended: all its pods go under `OnWorkflowCompletion`, and under `OnWorkflowSuccess` if it succeeded. */
export const collectAllPods = (pass: Pass): void => {
  const { state } = pass;
  const podGC = state.spec.podGC;
  const hasSucceeded = state.header.status.phase === WorkflowPhase.Succeeded && !isFailedOrErrorPhase(state.root?.status.phase);
  const isWanted = podGC?.strategy === 'OnWorkflowCompletion' || (podGC?.strategy === 'OnWorkflowSuccess' && hasSucceeded);
  if (podGC === undefined || !isWanted) return;
  for (const node of state.nodes.values()) {
    if (isOrderedType(node.status.type) && isSelected(pass, node, podGC)) deletePod(pass, node, delayOf(podGC, pass));
  }
};
