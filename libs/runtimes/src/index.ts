export type { EnvSource, RuntimeLogger } from './collaborators.js';
export type { CreateOutcome, LogLine, LogOptions, PodIdentity, PodObservation, PodRuntime } from './contract.js';
export { ImageCatalogueError, NoRuntimeError, PodRefusedError, RuntimeUnavailableError } from './errors.js';
export { ImageCatalogue, type ImageEntry } from './image-catalogue.js';
export { probeSandbox, type ProbeOptions, type SandboxAbility, type SandboxImpossible } from './sandbox/sandbox-ability.js';
export { SandboxRuntime, type SandboxOptions } from './sandbox/sandbox-runtime.js';
export type { CaptureResult, PodExit, PodFiles, PodStaging } from './staging.js';
