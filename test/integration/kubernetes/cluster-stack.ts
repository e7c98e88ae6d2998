import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createArtifactDrivers } from '#libs/artifacts';
import { loadConfig } from '#libs/config';
import { createLogger, Metrics } from '#libs/observability';
import { CredentialNamespaces } from '#libs/program';
import { BullMqServer, openQueueBackend, QueueRuntime } from '#libs/queue';
import { type ControllerSettings, KubernetesResourceStore, KubernetesWorkflowObjects } from '#libs/resources';
import { playSim, type PodRuntime, realTime, SimulatedHost, SimulatedRuntime } from '#libs/runtimes';
import { type ArgoDatabase, createStore, type Store } from '#libs/store';
import type { TestDatabase } from '#libs/testing';
import { ArtifactGcModule, artifactGcJobs, artifactGcSettings, configSchema as artifactGcConfig } from '#services/artifact-gc';
import { ArchiverModule, archiverJobs } from '#services/archiver';
import { OffloaderModule, offloaderJobs } from '#services/offloader';
import { PodManagerModule, podManagerJobs } from '#services/pod-manager';
import { SchedulerModule, schedulerJobs } from '#services/scheduler';
import type { ServiceAccounts } from './service-accounts.js';
import { configureServerApp, RuntimePodLogSource, serverSchema, ServerModule, type ServerPorts } from '#services/server';

/** The services in this process on a real API server, a real Postgres, and simulated pods. */
export interface ClusterStack {
  /** Of the HTTP API. */
  url: string;
  store: Store;
  close(): Promise<void>;
}

const clock = { nowMs: () => Date.now() };

@Module({})
class StackRoot {}

/** What the controller's ConfigMap says, and the database that it names. */
export interface Persistence {
  controllerConfig: ControllerSettings;
  argoDatabase: () => Promise<ArgoDatabase | undefined>;
}

/** What a stack has instead of simulated pods, and of Argo's tables beside its own. */
export interface StackParts {
  makeRuntime?: () => PodRuntime;
  persistence?: Persistence | undefined;
}

/** Looks into one namespace of the cluster only. */
export async function startClusterStack(
  accounts: ServiceAccounts,
  namespace: string,
  database: TestDatabase,
  { makeRuntime, persistence }: StackParts = {},
): Promise<ClusterStack> {
  const folder = await mkdtemp(join(tmpdir(), 'argosy-cluster-stack-'));
  const level = process.env['STACK_LOG'] === undefined ? 'silent' : 'debug';
  const logger = createLogger({ program: 'stack', level, format: 'text' });
  const store = createStore({ connection: database.connection, clock });
  const partsOf = (service: string) => {
    const api = accounts.api(service);
    return {
      resources: new KubernetesResourceStore({ api, managedNamespace: namespace }),
      objects: new KubernetesWorkflowObjects({ api, managedNamespace: namespace }),
    };
  };
  const { resources } = partsOf('artifact-gc');
  const backend = openQueueBackend({ kind: 'postgres', connection: database.connection }, logger);
  const queueRuntime = new QueueRuntime({ backend, delivery: 'local-first', clock, logger });
  const common = { store, queue: queueRuntime.queue, clock, logger };
  const followed = { ...common, ...persistence };
  const simulated = (): PodRuntime =>
    new SimulatedRuntime({
      host: new SimulatedHost(realTime(clock), (_identity, { spec }) => {
        const containers = spec['containers'] as { name: string; args?: string[] }[];
        return playSim(containers.find(({ name }) => name === 'main')?.args ?? []);
      }),
      logger,
    });
  const runtime = (makeRuntime ?? simulated)();
  const artifacts = createArtifactDrivers({ clock, filesystem: { rootFolder: folder } });
  const server: ServerPorts = {
    ...common,
    ...partsOf('server'),
    artifacts,
    podLogs: new RuntimePodLogSource(runtime),
    config: loadConfig(serverSchema, { PORT: '0' }),
  };
  const settings = {
    scheduler: {
      engine: { artifactRepository: null, podNames: 'v2' as const },
      managedNamespace: namespace,
      reconcileConcurrency: 8,
      controllerNamespace: namespace,
      stateCacheBytes: 64 * 1024 * 1024,
      inboxBatch: 500,
      metricsTtlMs: 0,
      cacheGcPeriodMs: 0,
      cacheGcAfterNotHitDurationMs: 30_000,
      retentionIntervalMs: 500,
      scheduleIntervalMs: 200,
      parallelism: { byNamespace: {} },
      admissionIntervalMs: 200,
    },
    podManager: {
      host: 'here',
      podConcurrency: 8,
      observationBatch: 200,
      heartbeatIntervalMs: 30_000,
      silentAfterMs: 30_000,
      hostDeadAfterMs: 300_000,
    },
    archiver: { enabled: true, labels: [], archiveConcurrency: 4, expiryIntervalMs: 60_000 },
    offloader: {
      maxSizeBytes: 1_048_576,
      alwaysOffload: false,
      offload: true,
      compression: { algorithm: 'gzip' as const },
      intervalMs: 300,
      recordConcurrency: 4,
      pruneIntervalMs: 60_000,
      offloadTtlMs: 300_000,
    },
  };
  const artifactGc = artifactGcSettings(
    loadConfig(artifactGcConfig, { DATABASE_URL: 'postgres:///here', QUEUE_BACKEND: 'postgres' }),
  );
  const credentials = new CredentialNamespaces({ resources, controllerNamespace: namespace });
  const root = {
    module: StackRoot,
    imports: [
      ServerModule.register(server),
      SchedulerModule.register({ ...followed, ...partsOf('scheduler'), metrics: new Metrics(), settings: settings.scheduler }),
      PodManagerModule.register({ ...common, runtime, artifacts, settings: settings.podManager }),
      OffloaderModule.register({ ...followed, ...partsOf('offloader'), settings: settings.offloader }),
      ArchiverModule.register({ ...followed, ...partsOf('archiver'), settings: settings.archiver }),
      ArtifactGcModule.register({ ...common, drivers: artifacts, credentials, metrics: new Metrics(), settings: artifactGc }),
    ],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { bodyParser: false, logger: false, abortOnError: false });
  configureServerApp(app, server);
  app.connectMicroservice({
    strategy: new BullMqServer(queueRuntime, [
      ...schedulerJobs(settings.scheduler),
      ...podManagerJobs(settings.podManager),
      ...offloaderJobs(settings.offloader),
      ...archiverJobs(settings.archiver),
      ...artifactGcJobs(artifactGc),
    ]),
  });
  await store.waitUntilReady(10_000);
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    close: async () => {
      await app.close();
      await queueRuntime.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
