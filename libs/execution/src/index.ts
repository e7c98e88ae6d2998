export type { CaptureResult } from './capture-outputs.js';
export { JqError, OutputError, StagingError } from './errors.js';
export { queryJq, type JqLimits } from './json-query/jq.js';
export type { ArtifactPlace, ArtifactTransfer, PodExit, PodFiles } from './pod-files.js';
export { createPodExecution, type PodExecution } from './pod-staging.js';
