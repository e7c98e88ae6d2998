import { LabelName } from '#libs/workflow-spec';
import { factId } from '../contract.js';
import type { Pass } from '../pass.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** Labels by which earlier runs of the same thing are known, in Argo's order. */
const LABELS = [LabelName.workflowTemplate, LabelName.clusterWorkflowTemplate, LabelName.cronWorkflow] as const;

/** Nodes of the earlier run that are remembered; of a larger one, those that began first. */
const MOST_NODES = 200;

/**
 * Estimates how long the workflow will take: as long as the newest run of the same template or schedule that succeeded (Argo's estimator).
 * False while that run has to be loaded.
 */
export const takeEstimate = (pass: Pass): boolean => {
  const { state } = pass;
  const labels = state.submitted.metadata.labels ?? {};
  const label = LABELS.find((name) => (labels[name] ?? '') !== '');
  if (label === undefined) return true;
  const key = { kind: 'baseline', namespace: state.namespace, label, value: labels[label] ?? '' } as const;
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    return false;
  }
  if (fact?.kind !== 'baseline') return true;
  state.changeHeader((header) => {
    header.status = { ...header.status, estimatedDuration: fact.seconds };
    const nodeSeconds = Object.fromEntries(Object.entries(fact.nodeSeconds).slice(0, MOST_NODES));
    header.internal = { ...header.internal, estimates: nodeSeconds };
  });
  return true;
};

/** The estimate for a node of this name; nothing where the earlier run had none of that name. */
export const estimateOf = (state: WorkflowState, nodeName: string): { estimatedDuration?: number } => {
  const estimates = state.header.internal['estimates'] as Readonly<Record<string, number>> | undefined;
  const seconds = estimates?.[nodeName.slice(state.name.length)];
  return seconds === undefined ? {} : { estimatedDuration: seconds };
};
