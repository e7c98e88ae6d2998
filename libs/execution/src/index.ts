export type { CaptureResult } from './capture-outputs.js';
export { OutputError, StagingError } from './errors.js';
export type { ArtifactPlace, ArtifactTransfer, PodExit, PodFiles } from './pod-files.js';
export { createPodExecution, type PodExecution } from './pod-staging.js';
