export { Store, createStore, type StoreOptions } from './store.js';
export {
  Database,
  type DatabaseOptions,
  type Executor,
  type Statement,
  type StoreConnection,
  type StoreHealth,
  type StoreLogger,
} from './connection/database.js';
export {
  EmbeddedPostgresError,
  StoreBusyError,
  StoreCorruptError,
  StoreSchemaError,
  StoreStatementError,
  StoreUnavailableError,
  WorkflowExistsError,
} from './errors.js';
export { ChangeFeed, type ChangeFeedOptions, type WorkflowChange } from './changes/change-feed.js';
export { WorkflowRepository, type InsertOutcome, type StoredWorkflow } from './workflows/workflow.repository.js';
export { type NewWorkflow } from './workflows/workflow-insert.js';
export {
  ScheduleRepository,
  type CronChild,
  type ScheduleCommit,
  type ScheduleKey,
  type StoredSchedule,
} from './schedules/schedule.repository.js';
export type { NameMatch, WorkflowListQuery, WorkflowListRow, WorkflowPage } from './workflows/workflow-list.js';
export { matchesLabels, parseLabelSelector, type LabelRequirement } from './selectors/label-selector.js';
export {
  WorkflowStateRepository,
  type InboxReading,
  type LoadedState,
  type StateChanges,
  type StateVersion,
} from './state/state.repository.js';
export type { CommitInput, CommitOutcome, HandoffQueue, PodDesiredChange, PodInsert } from './state/commit.js';
export { BaselineRepository, type Baseline } from './baselines/baseline.repository.js';
export { MemoRepository, type MemoPlace, type MemoSave } from './memos/memo.repository.js';
export { InboxRepository, type NewInboxEntry } from './inbox/inbox.repository.js';
export { RequestRepository, type NewRequest } from './inbox/request.repository.js';
export { TaskRepository, type TaskRow } from './pods/task.repository.js';
export { InstallationKeyRepository } from './installation/installation-key.repository.js';
export { PodAccessRepository, type PodAccess } from './pods/pod-access.repository.js';
export {
  PodRepository,
  type PodBucket,
  type PodDesired,
  type PodClaimView,
  type PodRow,
  type PodStatusView,
  type PodWorkRow,
} from './pods/pod.repository.js';
export {
  type HeldClaim,
  type HeldPod,
  PodStatusRepository,
  type RecordResult,
  type StatusObservation,
} from './pods/pod-status.repository.js';
export { type PodKey } from './pods/pod-identity.js';
export { type StoredPodPhase } from './pods/pod-phase.js';
export { LogShipmentRepository, type LogShipment, type ShippedLogRow } from './pods/log-shipment.repository.js';
export { PodHostRepository, type PodHost } from './pods/pod-host.repository.js';
export {
  ShardLeaseRepository,
  type ShardHolder,
  type ShardMove,
  type ShardRow,
  type ShardView,
} from './shards/shard-lease.repository.js';
export { DueRepository, type DuePageQuery, type DueWorkflow } from './due/due.repository.js';
export { HandoffRepository } from './due/handoff.repository.js';
export { RetentionRepository, type DeletionOptions, type DeletionStep } from './retention/retention.repository.js';
export { LockRepository } from './locks/lock.repository.js';
export type { LockChanges, LockWant } from './locks/lock-changes.js';
export { SyncLimitRepository } from './locks/sync-limit.repository.js';
export { AdmissionRepository } from './admission/admission.repository.js';
export { isLimited, namespaceLimit, type AdmissionChange, type ParallelismLimits } from './admission/admit.js';
export { AdvisoryLease } from './lease/advisory-lease.js';
export { startEmbeddedPostgres, type EmbeddedPostgres, type EmbeddedPostgresOptions } from './embedded/embedded-postgres.js';
export { Archive, archiveIn, type ArchiveSource } from './archive/archive.js';
export type {
  ArchiveCursor,
  ArchivePage,
  ArchiveQuery,
  ArchiveStore,
  ArchiveStoreOptions,
  ArchiveWrite,
} from './archive/archive-store.js';
export { RecordRepository, type RecordMark, type RecordRepositoryOptions, type RecordWrite } from './record/record.repository.js';
export { OffloadNotesRepository, type OffloadedVersion } from './record/offload-notes.repository.js';
export { TakeoverRepository, type FoundState, type FoundWorkflow } from './takeover/takeover.repository.js';
export { OffloadTable, type OffloadDatabase, type OffloadTableOptions } from './record/offload-table.js';
export {
  COMPRESSION_ALGORITHMS,
  compressionProblem,
  type CompressionAlgorithm,
  type NodesCompression,
} from './record/nodes-compression.js';
export {
  decompressNodes,
  encodeRecord,
  hydrateRecord,
  offloadVersion,
  type EncodedRecord,
  type EncodeOptions,
  type RecordEncoding,
} from './record/record-codec.js';
export {
  ArtifactDeletionRepository,
  type ArtifactDeletion,
  type DeletionResult,
  type DeletionState,
  type DeletionStrategy,
  type NewArtifactDeletion,
  type ShownDeletion,
  type WorkflowGcFacts,
} from './artifact-gc/artifact-deletion.repository.js';
export {
  ResourceTableRepository,
  type StoredResource,
  type StoredResourceKey,
  type StoredResourceRow,
  type StoredResourceWrite,
} from './resources/resource.table.js';
export { fsck, type CheckName, type FsckFinding, type FsckOptions, type FsckReport } from './fsck/fsck.js';
export { openArgoDatabase, type ArgoDatabase, type ArgoDatabaseOptions } from './argo-database/argo-database.js';
export { surveyArgoTables, type ArgoSurvey, type SurveyedRows, type SurveyedTable } from './argo-database/survey.js';
export { ARGO_SCHEMA_VERSION } from './argo-schema/argo-tables.js';
export { argoPlaceFromUrl, describePlace, type ArgoDialect, type ArgoPlace } from './argo-database/argo-place.js';
