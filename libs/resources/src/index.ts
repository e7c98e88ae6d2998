export { type ChangeHints } from './change-waiter.js';
export {
  type Resource,
  type ResourceEvent,
  type ResourceKey,
  type ResourceListOptions,
  type ResourcePage,
  type ResourceStore,
} from './contract.js';
export { ResourceConflictError, ResourceExistsError, ResourceExpiredError, ResourceNotFoundError } from './errors.js';
export {
  ControllerConfigWatch,
  fixedControllerSettings,
  type ControllerConfigState,
  type ControllerConfigWatchOptions,
  type ControllerSettings,
} from './controller-config/controller-config-watch.js';
export { RepositoryReferences, type FoundRepository, type RepositoryKey } from './repository-references.js';
export { MemoryResourceTable } from './memory-resource-table.js';
export {
  type ResourceChanges,
  type ResourceChangesQuery,
  type ResourcePageQuery,
  type ResourceRow,
  type ResourceTable,
  type ResourceVersions,
  type ResourceWrite,
} from './resource-table.js';
export { TableResourceStore, type LabelSelectorParser, type TableResourceStoreOptions } from './table-resource-store.js';
export { KubernetesResourceStore, type KubernetesResourceStoreOptions } from './kubernetes/kubernetes-resource-store.js';
export type {
  RivalController,
  WorkflowControls,
  WorkflowNotice,
  EventSelection,
  WorkflowObject,
  WorkflowObjectEvent,
  WorkflowObjectKey,
  WorkflowObjects,
  WorkflowProjection,
} from './workflow-objects/contract.js';
export {
  KubernetesWorkflowObjects,
  type KubernetesWorkflowObjectsOptions,
} from './workflow-objects/kubernetes-workflow-objects.js';
export { controlsOf, holdsLocks } from './workflow-objects/object-marks.js';
