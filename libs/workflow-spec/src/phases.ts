import { NodePhase, WorkflowPhase, type NodeStatus } from './model/status.js';

const COMPLETED: ReadonlySet<string> = new Set([NodePhase.Succeeded, NodePhase.Failed, NodePhase.Error]);

/** What the predicates read of a node. */
export type NodeProgressView = Pick<NodeStatus, 'phase' | 'daemoned' | 'taskResultSynced'>;

/** Succeeded, Failed or Error, whether or not outputs have arrived (Argo's NodePhase.Completed). */
export const isCompletedPhase = (phase: string | undefined): boolean => phase !== undefined && COMPLETED.has(phase);

/** Completed, Skipped or Omitted: the phase will not change by itself (Argo's NodePhase.Fulfilled without task results). */
export const isFulfilledPhase = (phase: string | undefined): boolean =>
  isCompletedPhase(phase) || phase === NodePhase.Skipped || phase === NodePhase.Omitted;

/** Failed or Error. */
export const isFailedOrErrorPhase = (phase: string | undefined): boolean =>
  phase === NodePhase.Failed || phase === NodePhase.Error;

const isSynced = (node: NodeProgressView): boolean => node.taskResultSynced !== false;

/** Succeeded, Failed or Error, and its outputs have arrived (Argo v4.1 NodeStatus.Completed). */
export const isCompleted = (node: NodeProgressView): boolean => isCompletedPhase(node.phase) && isSynced(node);

/** A daemon counts as fulfilled from the moment it is ready: daemoned while not Pending. */
export const isDaemoned = (node: NodeProgressView): boolean => node.daemoned === true && node.phase !== NodePhase.Pending;

/** Completed with outputs, Skipped, Omitted, or a ready daemon: what follows it may start (Argo v4.1 NodeStatus.Fulfilled). */
export const isFulfilled = (node: NodeProgressView): boolean =>
  (isFulfilledPhase(node.phase) && isSynced(node)) || isDaemoned(node);

/** Succeeded, and its outputs have arrived. */
export const isSucceeded = (node: NodeProgressView): boolean => node.phase === NodePhase.Succeeded && isSynced(node);

/** Failed or Error, and its outputs have arrived. */
export const isFailedOrError = (node: NodeProgressView): boolean => isFailedOrErrorPhase(node.phase) && isSynced(node);

/** The workflow has its final phase: Succeeded, Failed or Error. */
export const isFinishedWorkflowPhase = (phase: WorkflowPhase | undefined): boolean =>
  phase === WorkflowPhase.Succeeded || phase === WorkflowPhase.Failed || phase === WorkflowPhase.Error;
