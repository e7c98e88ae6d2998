export type { EnvSource, RuntimeLogger } from './collaborators.js';
export type {
  ClaimKey,
  ClaimOutcome,
  ContainerReport,
  CreateOutcome,
  LogChunk,
  LogLine,
  LogOptions,
  NewClaim,
  PodIdentity,
  PodObservation,
  PodPlaceHint,
  PodRuntime,
} from './contract.js';
export { ImageCatalogueError, NoRuntimeError, PodRefusedError, RuntimeUnavailableError } from './errors.js';
export { ImageCatalogue, type ImageEntry } from './image-catalogue.js';
export { probeSandbox, type ProbeOptions, type SandboxAbility, type SandboxImpossible } from './sandbox/sandbox-ability.js';
export { SandboxRuntime, type SandboxOptions } from './sandbox/sandbox-runtime.js';
export type { CaptureResult, PodExit, PodFiles, PodStaging } from './staging.js';
export { playSim, type SimPlay } from './simulated/sim-program.js';
export { type OutcomeScript, type ScriptedOutcome, SimulatedHost } from './simulated/simulated-host.js';
export { SimulatedRuntime, type SimulatedOptions } from './simulated/simulated-runtime.js';
export { realTime, type SimulatedTime, VirtualTime } from './simulated/simulated-time.js';
export { chooseRuntime, defaultMaxPods, RuntimeChoice, type RuntimeMeans } from './choose-runtime.js';
export { connectDocker, type DockerConnection, type DockerLocation } from './docker/docker-connection.js';
export { DockerRuntime, type DockerOptions } from './docker/docker-runtime.js';
export type { ExecutorSetup, KubernetesRuntimeOptions } from './kubernetes/kubernetes-runtime.js';
export { SHARD_COUNT } from './kubernetes/pod-marks.js';
export { ImageRegistry, type ImageRegistryOptions } from './kubernetes/image-registry.js';
export { imageViewer } from './kubernetes/pull-secrets.js';
