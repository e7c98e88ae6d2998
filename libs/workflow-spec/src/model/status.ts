import type { SynchronizationStatus } from './synchronization.js';
import type { ArtifactLocation, Inputs, Outputs, Template, TemplateRef, WorkflowSpec } from './workflow.js';

export const WorkflowPhase = {
  Unknown: '',
  Pending: 'Pending',
  Running: 'Running',
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  Error: 'Error',
} as const;
export type WorkflowPhase = (typeof WorkflowPhase)[keyof typeof WorkflowPhase];

export const NodePhase = {
  Pending: 'Pending',
  Running: 'Running',
  Succeeded: 'Succeeded',
  Skipped: 'Skipped',
  Failed: 'Failed',
  Error: 'Error',
  Omitted: 'Omitted',
} as const;
export type NodePhase = (typeof NodePhase)[keyof typeof NodePhase];

export const NodeType = {
  Pod: 'Pod',
  Container: 'Container',
  Steps: 'Steps',
  StepGroup: 'StepGroup',
  DAG: 'DAG',
  TaskGroup: 'TaskGroup',
  Retry: 'Retry',
  Skipped: 'Skipped',
  Suspend: 'Suspend',
  HTTP: 'HTTP',
  Plugin: 'Plugin',
} as const;
export type NodeType = (typeof NodeType)[keyof typeof NodeType];

export interface Condition {
  type: string;
  status?: string;
  message?: string;
}

/** One entry of `status.nodes`, keyed by its id. Times are RFC 3339 with seconds, null or absent when unset. */
export interface NodeStatus {
  id: string;
  name: string;
  displayName?: string;
  type: NodeType;
  templateName?: string;
  templateRef?: TemplateRef;
  templateScope?: string;
  phase?: NodePhase;
  boundaryID?: string;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  estimatedDuration?: number;
  progress?: string;
  resourcesDuration?: Record<string, number>;
  podIP?: string;
  daemoned?: boolean;
  nodeFlag?: { hooked?: boolean; retried?: boolean };
  inputs?: Inputs;
  outputs?: Outputs;
  children?: string[];
  outboundNodes?: string[];
  hostNodeName?: string;
  memoizationStatus?: { hit: boolean; key: string; cacheName: string };
  synchronizationStatus?: { waiting?: string };
  failedPodRestarts?: number;
  taskResultSynced?: boolean;
}

export interface WorkflowStatus {
  phase?: WorkflowPhase;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  estimatedDuration?: number;
  progress?: string;
  nodes?: Record<string, NodeStatus>;
  compressedNodes?: string;
  offloadNodeStatusVersion?: string;
  storedTemplates?: Record<string, Template>;
  persistentVolumeClaims?: unknown[];
  outputs?: Outputs;
  conditions?: Condition[];
  resourcesDuration?: Record<string, number>;
  storedWorkflowTemplateSpec?: WorkflowSpec;
  synchronization?: SynchronizationStatus;
  artifactRepositoryRef?: {
    default?: boolean;
    configMap?: string;
    key?: string;
    namespace?: string;
    artifactRepository?: ArtifactLocation;
  };
  artifactGCStatus?: unknown;
  taskResultsCompletionStatus?: Record<string, boolean>;
}
