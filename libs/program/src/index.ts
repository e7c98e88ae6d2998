export { type ClusterParts, openCluster, openKubernetesApi } from './cluster.js';
export { openArtifactDrivers } from './artifact-drivers.js';
export {
  type BrokerAccess,
  type BrokerParts,
  openBroker,
  openBrokerAccess,
  openPodTokens,
  type PodTokenParts,
} from './broker/broker-access.js';
export { CredentialNamespaces, type RepositoryReference, secretNames } from './broker/credential-namespace.js';
export { type PodIdentity, PodTokens } from './broker/pod-tokens.js';
export { artifactRepositoryFromText } from './artifact-repository.js';
export { clusterNameOf, openControllerConfig, openParts, openResources, type ProgramConfig, type ProgramParts } from './parts.js';
export { type BuiltService, type ProgramDefinition, runProgram } from './run-program.js';
export { argoPlaceOf, secretValue } from './argo-database/argo-place.js';
export { shareArgoDatabase } from './argo-database/shared-argo-database.js';
export { systemClock } from './system-clock.js';
