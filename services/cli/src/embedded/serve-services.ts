import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { artifactStoreFields, configOf, loadConfig, processEnvironment, Secret } from '#libs/config';
import { Metrics, NestLogger, ObservabilityModule, queueMetrics, Readiness, showBacklogs } from '#libs/observability';
import { clusterNameOf, openArtifactDrivers, openBroker, openResources, systemClock } from '#libs/program';
import { BullMqServer, createQueueBoard, openQueueBackend, QueueRuntime } from '#libs/queue';
import { createStore, type EmbeddedPostgres } from '#libs/store';
import { configSchema as podManagerSchema, logShippingOf, openPodRuntime } from '#services/pod-manager';
import { configureServerApp, listenAddress, RuntimePodLogSource, type ServerConfig, serverSchema } from '#services/server';
import { DEFAULT_REPOSITORY, embeddedServices, FIXED_VARIABLES } from './embedded-services.js';
import type { EmbeddedOptions, EmbeddedStack } from './embedded-stack.js';
import { watchController } from './watch-controller.js';

/** Connections of the one process; with those of the queue and the leases the stack stays below 15. */
const STORE_CONNECTIONS = 6;

@Module({})
class EmbeddedRoot {}

/** Opens the parts on a database that runs and serves all services from them. `closers` get what has to be closed, in this order. */
export const serveServices = async (
  postgres: EmbeddedPostgres,
  options: EmbeddedOptions,
  closers: (() => Promise<void>)[],
): Promise<Omit<EmbeddedStack, 'stop'>> => {
  const { queueRuntime, readiness, ...parts } = await openStackParts(postgres, options, closers);
  const { store, runtime, metrics, logger, serverPorts } = parts;
  const services = embeddedServices({ ...parts, queue: queueRuntime.queue });
  const root: DynamicModule = {
    module: EmbeddedRoot,
    imports: [ObservabilityModule.forRoot({ logger, metrics, readiness, port: options.metricsPort }), ...services.modules],
  };
  const app = await NestFactory.create<NestExpressApplication>(root, { bodyParser: false, logger: new NestLogger(logger) });
  closers.push(() => app.close());
  configureServerApp(app, serverPorts);
  app.connectMicroservice({ strategy: new BullMqServer(queueRuntime, services.jobs) });
  await app.startAllMicroservices();
  await app.listen(options.port, listenAddress(serverPorts.config));
  const { address, port } = app.getHttpServer().address() as AddressInfo;
  return { url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`, store, runtime };
};

const openStackParts = async (postgres: EmbeddedPostgres, options: EmbeddedOptions, closers: (() => Promise<void>)[]) => {
  const { logger, dataDir } = options;
  const clock = systemClock;
  const metrics = new Metrics();
  metrics.showProcess();
  const readiness = new Readiness();
  const store = createStore({
    connection: postgres.connection,
    clock,
    logger,
    maxConnections: STORE_CONNECTIONS,
    applicationName: 'argosy',
    changes: { crossProcess: false },
    argo: { clusterName: () => clusterNameOf(controllerConfig) },
  });
  closers.push(() => store.close());
  const backend = openQueueBackend({ kind: 'postgres', connection: postgres.connection }, logger);
  const queueRuntime = new QueueRuntime({ backend, delivery: 'local-first', clock, logger, telemetry: queueMetrics(metrics) });
  closers.push(() => queueRuntime.close());
  showBacklogs(metrics, () => queueRuntime.backlogs());
  readiness.register('database', async () => (await store.health()).ready);
  readiness.register('queue', () => queueRuntime.isReady());
  const resources = openResources(store, clock);
  const { controllerConfig, argoDatabase, controllerNamespace }: ReturnType<typeof watchController> = watchController(
    { store, resources, clock, logger, metrics },
    closers,
  );
  const artifacts = openArtifactDrivers({
    resources,
    clock,
    filesystemFolder: path.join(dataDir, 'artifacts'),
    stores: loadConfig(configOf(artifactStoreFields)),
    lender: { namespace: controllerNamespace, config: controllerConfig },
  });
  closers.push(async () => artifacts.close());
  const host = hostname();
  const runtime = await openPodRuntime(runtimeSettingsOf(options, postgres, host), {
    store,
    queue: queueRuntime.queue,
    resources,
    controllerConfig,
    artifacts,
    clock,
    logger,
  });
  const board = createQueueBoard({ backend, basePath: '/queues', readOnly: !options.queuesWrite });
  closers.push(() => board.close());

  const config = serverConfigOf(options);
  const broker = openBroker(config, { store, resources, clock, controllerNamespace });
  const serverPorts = {
    broker,
    store,
    resources,
    controllerConfig,
    artifacts,
    podLogs: new RuntimePodLogSource(runtime),
    queueBoard: board.handler,
    config,
    clock,
    queue: queueRuntime.queue,
    checkup: { queueIsReady: () => queueRuntime.isReady(), queueProblem: () => backend.problem(), controllerNamespace },
    logger,
  };
  return {
    store,
    resources,
    controllerConfig,
    argoDatabase,
    artifacts,
    runtime,
    clock,
    logger,
    metrics,
    readiness,
    host,
    queueRuntime,
    serverPorts,
  };
};

const runtimeSettingsOf = (
  { runtime, dataDir, imagesFile, maxPods }: EmbeddedOptions,
  { socketDir }: EmbeddedPostgres,
  host: string,
) => {
  const podManager = loadConfig(podManagerSchema, processEnvironment(FIXED_VARIABLES));
  return {
    runtime,
    host,
    dataDir,
    imagesFile,
    maxPods,
    cluster: podManager,
    pluginNetwork: podManager.pluginNetwork,
    controllerNamespace: processEnvironment()['CONTROLLER_NAMESPACE'],
    hiddenPaths: [socketDir],
    logShipping: logShippingOf(podManager),
    hostPaths: (processEnvironment()['HOST_PATHS'] ?? '').split(',').flatMap((hostPath) => hostPath.trim() || []),
  };
};

/** The server's variables count here too; what the command line says stands above them. */
const serverConfigOf = ({ host, port, authToken, queuesWrite }: EmbeddedOptions): ServerConfig => {
  const given = loadConfig(serverSchema, { ...DEFAULT_REPOSITORY, ...processEnvironment({ PORT: String(port) }) });
  return {
    ...given,
    host: host ?? given.host,
    authToken: authToken === undefined ? given.authToken : new Secret(authToken),
    queuesWrite: queuesWrite || given.queuesWrite,
  };
};
