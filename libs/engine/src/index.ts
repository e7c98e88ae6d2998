export {
  ENGINE_LEVEL,
  factId,
  type ArtifactRepository,
  type Command,
  type ContainerReport,
  type DecideInput,
  type Decision,
  type EngineConfig,
  type FactKey,
  type Facts,
  type FactValue,
  type FoundStatus,
  type InboxEntry,
  type LimitKey,
  type LockAnswer,
  type LockSign,
  type NodeRow,
  type PodOrder,
  type PodReport,
  type RequestOutcome,
  type StateSnapshot,
  type SubmittedWorkflow,
  type WantedLock,
  type WorkflowHeader,
  type WorkflowRequest,
} from './contract.js';
export { memoId, type MemoCache, type MemoEntry, type MemoKey } from './memoization/memo-contract.js';
export type { MetricSample, RunningGauge } from './metrics/metric-contract.js';
export { decide } from './decide.js';
export { DamagedStateError, ExecutionError, PhaseTransitionError, UnreadableStatusError } from './errors.js';
export { aboveDefaults, effectiveSpecOf } from './workflow/controller-defaults.js';
export type { ArtifactGcReport } from './artifact-gc/gc-report.js';
export { renderNodes, renderWorkflow } from './node-tree/render.js';
export { canTransition, PHASE_TRANSITIONS } from './phase/transitions.js';
export {
  createWorkflowState,
  markCommitted,
  refreshWorkflowState,
  restoreWorkflowState,
  sizeOf,
  snapshotOf,
} from './state/lifecycle.js';
export { grantClaims } from './synchronization/grants.js';
export { type HeldLock } from './takeover/held-locks.js';
export { importWorkflow, type ImportedObject, type ImportedWorkflow } from './takeover/import-workflow.js';
export type { WorkflowState } from './state/workflow-state.js';
