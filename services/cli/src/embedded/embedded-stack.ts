import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { configOf, controllerFields, loadConfig, processEnvironment, Secret } from '#libs/config';
import {
  type Logger,
  Metrics,
  NestLogger,
  ObservabilityModule,
  queueMetrics,
  Readiness,
  showBacklogs,
} from '#libs/observability';
import { openArtifactDrivers, openControllerConfig, openResources, systemClock } from '#libs/program';
import { BullMqServer, createQueueBoard, openQueueBackend, QueueRuntime } from '#libs/queue';
import type { PodRuntime, RuntimeChoice } from '#libs/runtimes';
import { createStore, type EmbeddedPostgres, startEmbeddedPostgres, type Store } from '#libs/store';
import { openPodRuntime } from '#services/pod-manager';
import { configureServerApp, listenAddress, RuntimePodLogSource, type ServerConfig, serverSchema } from '#services/server';
import { embeddedServices } from './embedded-services.js';

export interface EmbeddedOptions {
  /** Holds everything that outlives the process: database, pods, artifacts. */
  dataDir: string;
  runtime: RuntimeChoice;
  imagesFile?: string | undefined;
  maxPods?: number | undefined;
  /** Address and port of the API; port 0 takes a free one. */
  host?: string | undefined;
  port: number;
  authToken?: string | undefined;
  /** Port of metrics and health; undefined: none. */
  metricsPort?: number | undefined;
  queuesWrite: boolean;
  logger: Logger;
  /** Told what is being waited for, for progress on a terminal. */
  onProgress?: (what: string) => void;
}

export interface EmbeddedStack {
  /** Where the API is served, for example `http://127.0.0.1:2746`. */
  url: string;
  store: Store;
  runtime: PodRuntime;
  stop(): Promise<void>;
}

/** Connections of the one process; with those of the queue and the leases the stack stays below 15. */
const STORE_CONNECTIONS = 6;

@Module({})
class EmbeddedRoot {}

/**
 * All services in this process: embedded Postgres, the queue on it with hints delivered in memory first, files as artifact
 * repository. A second start on the same folder finds the state of the first, whatever ended that.
 */
export const startEmbeddedStack = async (options: EmbeddedOptions): Promise<EmbeddedStack> => {
  const { logger, onProgress = () => undefined } = options;
  const dataDir = path.resolve(options.dataDir);
  // Others may pass through, so that Postgres can run as an unprivileged user; each folder below keeps its own closed.
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  onProgress('the database');
  const postgres = await startEmbeddedPostgres({ dataDir, onLive: 'stop', logger });
  const closers: (() => Promise<void>)[] = [() => postgres.stop()];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    onProgress('the services');
    return { ...(await startOn(postgres, { ...options, dataDir }, closers)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const startOn = async (
  postgres: EmbeddedPostgres,
  options: EmbeddedOptions,
  closers: (() => Promise<void>)[],
): Promise<Omit<EmbeddedStack, 'stop'>> => {
  const { logger, dataDir } = options;
  const clock = systemClock;
  const metrics = new Metrics();
  const readiness = new Readiness();
  const store = createStore({
    connection: postgres.connection,
    clock,
    logger,
    maxConnections: STORE_CONNECTIONS,
    applicationName: 'argosy',
    changes: { crossProcess: false },
  });
  closers.push(() => store.close());
  const backend = openQueueBackend({ kind: 'postgres', connection: postgres.connection }, logger);
  const queueRuntime = new QueueRuntime({ backend, delivery: 'local-first', clock, logger, telemetry: queueMetrics(metrics) });
  closers.push(() => queueRuntime.close());
  showBacklogs(metrics, () => queueRuntime.backlogs());
  readiness.register('database', async () => (await store.health()).ready);
  readiness.register('queue', () => queueRuntime.isReady());
  const resources = openResources(store, clock);
  const controller = loadConfig(configOf(controllerFields), processEnvironment());
  const controllerConfig = openControllerConfig(controller, {
    resources,
    clock,
    logger,
    metrics,
  });
  closers.push(() => controllerConfig.stop());
  const artifacts = openArtifactDrivers({ resources, clock, filesystemFolder: path.join(dataDir, 'artifacts') });
  closers.push(async () => artifacts.close());
  const host = hostname();
  const runtimeSettings = {
    runtime: options.runtime,
    host,
    dataDir,
    imagesFile: options.imagesFile,
    maxPods: options.maxPods,
    controllerNamespace: processEnvironment()['CONTROLLER_NAMESPACE'],
    hiddenPaths: [postgres.socketDir],
  };
  const runtime = await openPodRuntime(runtimeSettings, {
    store,
    queue: queueRuntime.queue,
    resources,
    artifacts,
    clock,
    logger,
  });
  const board = createQueueBoard({ backend, basePath: '/queues', readOnly: !options.queuesWrite });
  closers.push(() => board.close());

  const serverConfig = serverConfigOf(options);
  const serverPorts = {
    store,
    resources,
    controllerConfig,
    artifacts,
    podLogs: new RuntimePodLogSource(runtime),
    queueBoard: board.handler,
    config: serverConfig,
    clock,
    queue: queueRuntime.queue,
    logger,
  };
  const services = embeddedServices({
    store,
    queue: queueRuntime.queue,
    resources,
    controllerConfig,
    artifacts,
    runtime,
    clock,
    logger,
    metrics,
    host,
    serverPorts,
  });
  const root: DynamicModule = {
    module: EmbeddedRoot,
    imports: [ObservabilityModule.forRoot({ logger, metrics, readiness, port: options.metricsPort }), ...services.modules],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { bodyParser: false, logger: new NestLogger(logger) });
  closers.push(() => app.close());
  configureServerApp(app, serverPorts);
  app.connectMicroservice({ strategy: new BullMqServer(queueRuntime, services.jobs) });
  await app.startAllMicroservices();
  await app.listen(options.port, listenAddress(serverConfig));
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  return { url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`, store, runtime };
};

/** The server's variables count here too; what the command line says stands above them. */
const serverConfigOf = ({ host, port, authToken, queuesWrite }: EmbeddedOptions): ServerConfig => {
  const given = loadConfig(serverSchema, processEnvironment({ PORT: String(port) }));
  return {
    ...given,
    host: host ?? given.host,
    authToken: authToken === undefined ? given.authToken : new Secret(authToken),
    queuesWrite: queuesWrite || given.queuesWrite,
  };
};
