import type { DynamicModule } from '@nestjs/common';
import type { ArtifactDrivers } from '#libs/artifacts';
import type { EngineConfig } from '#libs/engine';
import type { JobQueue } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import type { ClaimedJob } from '#libs/queue';
import type { ResourceStore } from '#libs/resources';
import type { PodRuntime } from '#libs/runtimes';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { PodManagerModule, podManagerJobs } from '#services/pod-manager';
import { SchedulerModule, schedulerJobs } from '#services/scheduler';
import { ServerModule, type ServerPorts } from '#services/server';

export interface EmbeddedParts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  artifacts: ArtifactDrivers;
  runtime: PodRuntime;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  engine: EngineConfig;
  host: string;
  serverPorts: ServerPorts;
}

const MEBIBYTE = 1024 * 1024;

/** The modules of all services with the jobs that they claim, wired to the same parts. */
export const embeddedServices = (parts: EmbeddedParts): { modules: DynamicModule[]; jobs: ClaimedJob[] } => {
  const { store, queue, resources, runtime, clock, logger, engine, host } = parts;
  const scheduler = {
    engine,
    reconcileConcurrency: 16,
    stateCacheBytes: 64 * MEBIBYTE,
    inboxBatch: 500,
    retentionIntervalMs: 5_000,
  };
  const podManager = { host, podConcurrency: 16, observationBatch: 200, heartbeatIntervalMs: 30_000, silentAfterMs: 30_000 };
  return {
    modules: [
      ServerModule.register(parts.serverPorts),
      SchedulerModule.register({ store, queue, resources, clock, logger, settings: scheduler }),
      PodManagerModule.register({ store, queue, runtime, clock, logger, settings: podManager }),
    ],
    jobs: [...schedulerJobs(scheduler), ...podManagerJobs(podManager)],
  };
};
