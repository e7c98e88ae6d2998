export { collectionPath, objectPath, type CollectionAddress, type ObjectAddress } from './addresses.js';
export type { AccountName } from './connection/acting-as.js';
export type { ClusterConnection } from './connection/connection.js';
export { inClusterConnection, type InClusterPlace } from './connection/in-cluster.js';
export { kubeconfigConnection } from './connection/kubeconfig.js';
export { lazyConnection, openConnection, type ClusterPlace } from './connection/open-connection.js';
export { KindCatalogue, type OfferedKind } from './discovery/kind-catalogue.js';
export { StatusParts } from './discovery/status-parts.js';
export {
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesExpiredError,
  KubernetesForbiddenError,
  KubernetesInvalidError,
  KubernetesNotFoundError,
  KubernetesUnavailableError,
  type ServerSaid,
} from './errors.js';
export { type ApiCall, FIELD_MANAGER, KubernetesApi, type KubernetesApiOptions } from './kubernetes-api.js';
export type {
  ApiObject,
  DeleteOptions,
  KindOfObject,
  ListOptions,
  LogOptions,
  ObjectPage,
  PatchOptions,
  PatchType,
  Propagation,
  Selection,
  WriteOptions,
} from './objects.js';
export { type ApiRequest } from './request/exchange.js';
export { Pace, type PaceOptions, type PaceOutcome } from './request/pace.js';
export { followObjects, type FollowEvent, type FollowOptions, type ObjectIdentity } from './watch/follow-objects.js';
export { watchObjects, type ObjectEvent, type WatchOptions } from './watch/watch-objects.js';
