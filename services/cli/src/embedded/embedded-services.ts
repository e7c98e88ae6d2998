import type { DynamicModule } from '@nestjs/common';
import type { ArtifactDrivers } from '#libs/artifacts';
import { loadConfig, processEnvironment } from '#libs/config';
import type { JobQueue } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import { CredentialNamespaces } from '#libs/program';
import type { ClaimedJob } from '#libs/queue';
import type { ControllerConfigWatch, ResourceStore } from '#libs/resources';
import type { PodRuntime } from '#libs/runtimes';
import type { ArgoDatabase, Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { ArchiverModule, archiverJobs, archiverSettings, configSchema as archiverConfig } from '#services/archiver';
import { ArtifactGcModule, artifactGcJobs, artifactGcSettings, configSchema as artifactGcConfig } from '#services/artifact-gc';
import { configSchema as offloaderConfig, OffloaderModule, offloaderJobs, offloaderSettings } from '#services/offloader';
import { configSchema as podManagerConfig, PodManagerModule, podManagerJobs } from '#services/pod-manager';
import { configSchema as schedulerConfig, SchedulerModule, schedulerJobs, schedulerSettings } from '#services/scheduler';
import { ServerModule, type ServerPorts } from '#services/server';

export interface EmbeddedParts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  controllerConfig: ControllerConfigWatch;
  argoDatabase: () => Promise<ArgoDatabase | undefined>;
  artifacts: ArtifactDrivers;
  runtime: PodRuntime;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  host: string;
  serverPorts: ServerPorts;
}

/** What one process fixes itself, whatever the environment says: it brings its own database, and files as repository. */
export const FIXED_VARIABLES = { DATABASE_URL: 'postgres:///embedded', QUEUE_BACKEND: 'postgres' };
/** Where artifacts go where nothing else is said. */
export const DEFAULT_REPOSITORY = { ARTIFACT_REPOSITORY: '{"filesystem":{}}' };

/** The modules of all services with the jobs that they claim, wired to the same parts. Their variables count here as well. */
export const embeddedServices = (parts: EmbeddedParts): { modules: DynamicModule[]; jobs: ClaimedJob[] } => {
  const { host, artifacts: drivers, runtime, metrics, serverPorts, ...common } = parts;
  const given = processEnvironment();
  const environment = { ...DEFAULT_REPOSITORY, ...given, ...FIXED_VARIABLES };
  const scheduler = schedulerSettings(loadConfig(schedulerConfig, environment));
  const podManager = { ...loadConfig(podManagerConfig, environment), host };
  const offloader = offloaderSettings(loadConfig(offloaderConfig, environment));
  const archiver = archiverSettings(loadConfig(archiverConfig, environment));
  const { controllerNamespace, ...gcConfig } = loadConfig(artifactGcConfig, environment);
  const artifactGc = artifactGcSettings({ ...gcConfig, controllerNamespace });
  const credentials = new CredentialNamespaces({ resources: common.resources, controllerNamespace });
  return {
    modules: [
      ServerModule.register(serverPorts),
      SchedulerModule.register({ ...common, metrics, settings: scheduler }),
      PodManagerModule.register({ ...common, runtime, artifacts: drivers, settings: podManager }),
      OffloaderModule.register({ ...common, settings: offloader }),
      ArchiverModule.register({ ...common, settings: archiver }),
      ArtifactGcModule.register({ ...common, drivers, credentials, metrics, settings: artifactGc }),
    ],
    jobs: [
      ...schedulerJobs(scheduler),
      ...podManagerJobs(podManager),
      ...offloaderJobs(offloader),
      ...archiverJobs(archiver),
      ...artifactGcJobs(artifactGc),
    ],
  };
};
