import 'reflect-metadata';
import { join } from 'node:path';
import { ConfigError, loadConfig } from '#libs/config';
import { HealthServer, NestLogger } from '#libs/observability';
import { artifactRepositoryFromText, openArtifactDrivers, openBroker, openParts } from '#libs/program';
import { createQueueBoard } from '#libs/queue';
import { ServerStartError } from './errors/errors.js';
import { HttpPodLogSource } from './logs/http-pod-log-source.js';
import { configSchema } from './server.config.js';
import { startServer } from './server.js';

try {
  const config = loadConfig(configSchema);
  const parts = openParts('server', config);
  const { store, resources, queue, clock, logger, metrics, readiness } = parts;
  const board = createQueueBoard({ backend: parts.queueBackend, basePath: '/queues', readOnly: !config.queuesWrite });
  const artifacts = openArtifactDrivers({
    resources,
    clock,
    filesystemFolder: join(config.dataDir, 'artifacts'),
    stores: config,
    lender: {
      namespace: config.controllerNamespace,
      config: parts.controllerConfig,
      repository: artifactRepositoryFromText(config.artifactRepository)?.location,
    },
  });
  const podLogs = new HttpPodLogSource(async (host) => (await store.podHosts.get(host))?.url, config.internalToken?.reveal());
  const { controllerConfig } = parts;
  const broker = openBroker(config, { store, resources, clock, controllerNamespace: config.controllerNamespace });
  const ports = {
    broker,
    store,
    controllerConfig,
    resources,
    objects: parts.cluster?.objects,
    queue,
    checkup: {
      queueIsReady: () => parts.queueRuntime.isReady(),
      queueProblem: () => parts.queueBackend.problem(),
      controllerNamespace: config.controllerNamespace,
    },
    artifacts,
    podLogs,
    queueBoard: board.handler,
    clock,
    logger,
    config,
  };
  const server = await startServer(ports, new NestLogger(logger));
  const health = config.metricsPort === 0 ? undefined : new HealthServer({ port: config.metricsPort, metrics, readiness });
  await health?.start();
  logger.info('listening', { port: server.port });
  await new Promise((resolve) => ['SIGTERM', 'SIGINT'].forEach((signal) => process.once(signal, resolve)));
  await Promise.all([server.close(), health?.stop(), board.close()]);
  artifacts.close();
  await parts.close();
} catch (error) {
  const isRefusal = error instanceof ConfigError || error instanceof ServerStartError;
  process.stderr.write(`server: ${isRefusal ? error.message : String((error as Error).stack)}\n`);
  setImmediate(() => process.exit(isRefusal ? 2 : 1));
}
