import type { NodeRow } from '#libs/engine';
import type { WorkflowNotice } from '#libs/resources';
import {
  AnnotationName,
  type Condition,
  NodePhase,
  type NodeStatus,
  NodeType,
  podName,
  WorkflowPhase,
  type WorkflowStatus,
} from '#libs/workflow-spec';

type Text = Pick<WorkflowNotice, 'type' | 'reason' | 'message'>;

/** What is told of, whoever tells it: how the thing came into its phase, and when. */
const occasionOf = (...parts: (string | number | null | undefined)[]): string => parts.map((part) => part ?? '').join('/');

/** When a phase was come into, as the same rows say to everybody. */
type Times = Pick<WorkflowStatus, 'startedAt' | 'finishedAt'>;

/** Argo's message for a workflow that ran too long. */
const TIMED_OUT = /exceeded its deadline/i;

/** What is told of a workflow that has just come into its phase; undefined for phases that nobody is told of. */
export const workflowNotice = (
  status: Pick<WorkflowStatus, 'phase' | 'message'> & Times,
): Omit<WorkflowNotice, 'key'> | undefined => {
  const text = workflowText(status);
  return text && { ...text, occasion: occasionOf(text.reason, status.startedAt, status.finishedAt) };
};

const workflowText = ({ phase, message = '' }: Pick<WorkflowStatus, 'phase' | 'message'>): Text | undefined => {
  switch (phase) {
    case WorkflowPhase.Running:
      return { type: 'Normal', reason: 'WorkflowRunning', message: 'Workflow Running' };
    case WorkflowPhase.Succeeded:
      return { type: 'Normal', reason: 'WorkflowSucceeded', message: 'Workflow completed' };
    case WorkflowPhase.Failed:
    case WorkflowPhase.Error:
      return { type: 'Warning', reason: TIMED_OUT.test(message) ? 'WorkflowTimedOut' : 'WorkflowFailed', message };
    default:
      return undefined;
  }
};

/** What is told where artifacts cannot be deleted: the condition's own message. */
export const collectionNotice = (conditions: readonly Condition[]): Text | undefined => {
  const failed = conditions.find(({ type }) => type === 'ArtifactGCError');
  return failed === undefined ? undefined : { type: 'Warning', reason: 'ArtifactGCFailed', message: failed.message ?? '' };
};

const TOLD_PHASES: ReadonlySet<string> = new Set([NodePhase.Running, NodePhase.Succeeded, NodePhase.Failed, NodePhase.Error]);

const annotationsOf = ({ id, name, type, startedAt }: NodeStatus): Record<string, string> => ({
  [AnnotationName.nodeId]: id,
  [AnnotationName.nodeName]: name,
  [AnnotationName.nodeType]: type,
  ...(startedAt ? { [AnnotationName.nodeStartTime]: startedAt } : {}),
});

/** The pod of a node; undefined where it has none. */
const podOf = (status: NodeStatus, workflowName: string, podNames: string | undefined): WorkflowNotice['about'] => {
  if (status.type !== NodeType.Pod) return undefined;
  const templateName = status.templateRef?.template ?? status.templateName ?? '';
  const parts = { workflowName, nodeName: status.name, templateName, nodeId: status.id };
  return { apiVersion: 'v1', kind: 'Pod', name: podName(parts, podNames === 'v1' ? 'v1' : 'v2') };
};

/** Of whom a node's event is to speak. */
export interface NodeNoticeOptions {
  workflowName: string;
  /** Of the node's pod, where it has one, and not of the workflow. */
  isAboutPod: boolean;
  /** How pods are named. */
  podNames: string | undefined;
}

/** The same for a node, annotated with who it is. */
export const nodeNotice = (
  { status }: NodeRow,
  { workflowName, isAboutPod, podNames }: NodeNoticeOptions,
): Omit<WorkflowNotice, 'key'> | undefined => {
  const { phase = '', name, message } = status;
  if (!TOLD_PHASES.has(phase)) return undefined;
  const isBad = phase === NodePhase.Failed || phase === NodePhase.Error;
  const about = isAboutPod ? podOf(status, workflowName, podNames) : undefined;
  return {
    ...(about ? { about } : {}),
    occasion: occasionOf(status.id, phase, status.failedPodRestarts, status.startedAt, status.finishedAt),
    type: isBad ? 'Warning' : 'Normal',
    reason: `WorkflowNode${phase}`,
    message: `${phase} node ${name}${message ? `: ${message}` : ''}`,
    annotations: annotationsOf(status),
  };
};
