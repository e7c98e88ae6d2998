export { buildPod } from './build-pod.js';
export type { BuildPodInput, PodManifest, PodWork } from './contract.js';
export { identityFromMetadata, identityLabels, IdentityLabel, type PodIdentityParts } from './identity.js';
export { MAIN_CONTAINER, SCRIPT_PATH } from './main-container.js';
