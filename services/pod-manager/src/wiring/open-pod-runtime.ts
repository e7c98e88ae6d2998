import path from 'node:path';
import { type ArtifactDrivers, ArtifactTransfer } from '#libs/artifacts';
import { processEnvironment } from '#libs/config';
import { createPodExecution } from '#libs/execution';
import type { Logger } from '#libs/observability';
import type { ResourceStore } from '#libs/resources';
import { chooseRuntime, ImageCatalogue, type PodRuntime, type RuntimeChoice } from '#libs/runtimes';
import type { Clock } from '#libs/workflow-spec';
import { ResourceEnvSource } from './resource-env-source.js';

export interface PodRuntimeSettings {
  runtime: RuntimeChoice;
  host: string;
  dataDir: string;
  imagesFile?: string | undefined;
  maxPods?: number | undefined;
  /** Host paths of which pods see nothing. */
  hiddenPaths: readonly string[];
}

export interface PodRuntimePorts {
  resources: ResourceStore;
  artifacts: ArtifactDrivers;
  clock: Clock;
  logger: Logger;
}

/** Opens the runtime that the settings name, or the first that works on this machine. Throws NoRuntimeError saying what is missing. */
export const openPodRuntime = (
  settings: PodRuntimeSettings,
  { resources, artifacts, clock, logger }: PodRuntimePorts,
): Promise<PodRuntime> =>
  chooseRuntime(settings.runtime, {
    staging: createPodExecution(new ArtifactTransfer(artifacts)),
    images: settings.imagesFile === undefined ? ImageCatalogue.empty() : ImageCatalogue.fromFile(settings.imagesFile),
    env: new ResourceEnvSource(resources),
    clock,
    logger,
    hostName: settings.host,
    dataFolder: path.resolve(settings.dataDir),
    hiddenPaths: settings.hiddenPaths,
    searchPath: processEnvironment()['PATH'] ?? '',
    ...(settings.maxPods === undefined ? {} : { maxPods: settings.maxPods }),
  });
