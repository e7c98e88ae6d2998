import type { NodeRow } from '#libs/engine';
import type { WorkflowNotice } from '#libs/resources';
import {
  AnnotationName,
  type Condition,
  NodePhase,
  type NodeStatus,
  WorkflowPhase,
  type WorkflowStatus,
} from '#libs/workflow-spec';

type Text = Pick<WorkflowNotice, 'type' | 'reason' | 'message'>;

/** Argo's message for a workflow that ran too long. */
const TIMED_OUT = /exceeded its deadline/i;

/** What is told of a workflow that has just come into its phase; undefined for phases that nobody is told of. */
export const workflowNotice = ({ phase, message = '' }: Pick<WorkflowStatus, 'phase' | 'message'>): Text | undefined => {
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

/** The same for a node, annotated with who it is. */
export const nodeNotice = ({ status }: NodeRow): Omit<WorkflowNotice, 'key'> | undefined => {
  const { phase = '', name, message } = status;
  if (!TOLD_PHASES.has(phase)) return undefined;
  const isBad = phase === NodePhase.Failed || phase === NodePhase.Error;
  return {
    type: isBad ? 'Warning' : 'Normal',
    reason: `WorkflowNode${phase}`,
    message: `${phase} node ${name}${message ? `: ${message}` : ''}`,
    annotations: annotationsOf(status),
  };
};
