export { PatchError } from './errors.js';
export { buildPod } from './build-pod.js';
export type { BuildPodInput, ContainerGraphNode, ContainerRetry, PodManifest, PodWork } from './contract.js';
export { identityFromMetadata, identityLabels, IdentityLabel, type PodIdentityParts } from './identity.js';
export { MAIN_CONTAINER, SCRIPT_PATH } from './pod-containers.js';
export type { MergeType } from './strategic-merge/merge-schema.js';
export { claimRow, podOrRefusal } from './pod-or-refusal.js';
export { strategicMergePatch } from './strategic-merge/strategic-merge-patch.js';
export { type TaskOrder } from './task-order.js';
