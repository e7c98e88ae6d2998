import { Metrics } from '#libs/observability';
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
import { createLogger } from '#libs/observability';
import { openResources, shareArgoDatabase } from '#libs/program';
import { ControllerConfigWatch } from '#libs/resources';
import { BullMqServer, openQueueBackend, QueueRuntime } from '#libs/queue';
import type { PodManifest } from '#libs/pod-spec';
import { playSim, realTime, SimulatedHost, SimulatedRuntime, type SimPlay } from '#libs/runtimes';
import { createStore, type Store, type StoreConnection } from '#libs/store';
import { postgresTemplate } from '#libs/testing';
import { ArchiverModule, archiverJobs } from '#services/archiver';
import { PodManagerModule, podManagerJobs } from '#services/pod-manager';
import { SchedulerModule, schedulerJobs, type SchedulerSettings } from '#services/scheduler';
import { configureServerApp, RuntimePodLogSource, serverSchema, ServerModule, type ServerPorts } from '#services/server';

/** The services that a workflow needs to run and end, in this process, on a real Postgres and with simulated pods. */
export interface StackUnderTest {
  url: string;
  /** The scheduler's. */
  metrics: Metrics;
  store: Store;
  /** Of the database that the store is in. */
  connection: StoreConnection;
  close(): Promise<void>;
}

const clock = { nowMs: () => Date.now() };

/** Long enough that an answer is given before what it set off has ended. */
const POD_MS = 700;

/** The pod as its arguments say, only slower. */
const slowly = ({ spec }: PodManifest): SimPlay => {
  const containers = spec['containers'] as { name: string; args?: string[] }[];
  const play = playSim(containers.find(({ name }) => name === 'main')?.args ?? []);
  return { ...play, durationMs: Math.max(play.durationMs, POD_MS) };
};

@Module({})
class StackRoot {}

export async function startStackUnderTest(
  environment: Record<string, string> = {},
  schedulerSettings: Partial<SchedulerSettings> = {},
): Promise<StackUnderTest> {
  const database = await postgresTemplate();
  const folder = await mkdtemp(join(tmpdir(), 'argosy-stack-'));
  const logger = createLogger({
    program: 'stack',
    level: process.env['STACK_LOG'] === undefined ? 'silent' : 'debug',
    format: 'text',
  });
  const store = createStore({ connection: database.connection, clock });
  const resources = openResources(store, clock);
  const backend = openQueueBackend({ kind: 'postgres', connection: database.connection }, logger);
  const queueRuntime = new QueueRuntime({ backend, delivery: 'local-first', clock, logger });
  const queue = queueRuntime.queue;
  const runtime = new SimulatedRuntime({
    host: new SimulatedHost(realTime(clock), (_identity, manifest) => slowly(manifest)),
    logger,
  });
  const controllerConfig = new ControllerConfigWatch({
    resources,
    namespace: 'argo',
    name: 'workflow-controller-configmap',
    clock,
    logger,
    intervalMs: 100,
  });
  const argo = shareArgoDatabase(
    { archiveDatabaseUrl: undefined, controllerNamespace: 'argo' },
    { controllerConfig, resources, clock, logger },
  );
  store.archive.follow(argo.current);
  const server: ServerPorts = {
    store,
    resources,
    controllerConfig,
    queue,
    artifacts: createArtifactDrivers({ clock, filesystem: { rootFolder: folder } }),
    podLogs: new RuntimePodLogSource(runtime),
    checkup: {
      queueIsReady: () => queueRuntime.isReady(),
      queueProblem: () => Promise.resolve(undefined),
      controllerNamespace: 'argo',
    },
    clock,
    logger,
    config: loadConfig(serverSchema, { PORT: '0', ...environment }),
  };
  const scheduler = {
    engine: { artifactRepository: null, podNames: 'v2' as const },
    reconcileConcurrency: 8,
    controllerNamespace: 'argo',
    stateCacheBytes: 64 * 1024 * 1024,
    inboxBatch: 500,
    metricsTtlMs: 0,
    cacheGcPeriodMs: 0,
    cacheGcAfterNotHitDurationMs: 30_000,
    retentionIntervalMs: 1_000,
    scheduleIntervalMs: 200,
    parallelism: { byNamespace: {} },
    admissionIntervalMs: 200,
    ...schedulerSettings,
  };
  const podManager = {
    host: 'here',
    podConcurrency: 8,
    observationBatch: 200,
    heartbeatIntervalMs: 30_000,
    silentAfterMs: 30_000,
    hostDeadAfterMs: 300_000,
  };
  const archiver = { enabled: true, labels: [], archiveConcurrency: 4, expiryIntervalMs: 60_000 };
  const common = { store, queue, clock, logger };
  const metrics = new Metrics();
  const root = {
    module: StackRoot,
    imports: [
      ServerModule.register(server),
      SchedulerModule.register({ metrics, ...common, resources, controllerConfig, settings: scheduler }),
      PodManagerModule.register({ ...common, runtime, artifacts: server.artifacts, settings: podManager }),
      ArchiverModule.register({ ...common, controllerConfig, settings: archiver }),
    ],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { bodyParser: false, logger: false, abortOnError: false });
  configureServerApp(app, server);
  app.connectMicroservice({
    strategy: new BullMqServer(queueRuntime, [
      ...schedulerJobs(scheduler),
      ...podManagerJobs(podManager),
      ...archiverJobs(archiver),
    ]),
  });
  await store.waitUntilReady(10_000);
  await controllerConfig.start();
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    metrics,
    store,
    connection: database.connection,
    close: async () => {
      await controllerConfig.stop();
      await app.close();
      await queueRuntime.close();
      await argo.close();
      await store.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
