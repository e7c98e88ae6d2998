import { type ConfigOf, type programFields, queueLocation } from '#libs/config';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { JobQueue } from '#libs/jobs';
import { createLogger, type Logger, Metrics, queueMetrics, Readiness, showBacklogs, showReadiness } from '#libs/observability';
import { openQueueBackend, type QueueBackend, QueueRuntime } from '#libs/queue';
import { ControllerConfigWatch, type ResourceStore, TableResourceStore } from '#libs/resources';
import { type ArgoDatabase, createStore, matchesLabels, parseLabelSelector, type Store } from '#libs/store';
import { type ClusterParts, openCluster } from './cluster.js';
import { shareArgoDatabase } from './argo-database/shared-argo-database.js';
import { systemClock } from './system-clock.js';
import type { Clock } from '#libs/workflow-spec';

/** The configuration that every program on queues and tables has. */
export type ProgramConfig = ConfigOf<z.ZodObject<typeof programFields>>;

/** What a program is wired from. Nothing of it needs its server to be there: all connect when they are first used. */
export interface ProgramParts {
  store: Store;
  resources: ResourceStore;
  /** The cluster; undefined where RESOURCES names none. */
  cluster: ClusterParts | undefined;
  /** `workflow-controller-configmap`, watched from the first moment on; see `openControllerConfig`. */
  controllerConfig: ControllerConfigWatch;
  /** The database that `persistence` or ARCHIVE_DATABASE_URL names for Argo's tables, followed live; undefined: they stand beside ours. */
  argoDatabase: () => Promise<ArgoDatabase | undefined>;
  queueRuntime: QueueRuntime;
  /** What the queue runs on; for the dashboards. */
  queueBackend: QueueBackend;
  /** The queue as services see it. */
  queue: JobQueue;
  logger: Logger;
  metrics: Metrics;
  readiness: Readiness;
  clock: Clock;
  close(): Promise<void>;
}

/** Opens the parts of one program out of its configuration. Throws ConfigError where the queue's location is missing. */
export const openParts = (program: string, config: ProgramConfig): ProgramParts => {
  const logger = createLogger({ program, level: config.logLevel, format: config.logFormat });
  const metrics = new Metrics();
  metrics.showProcess();
  const readiness = new Readiness();
  const clock = systemClock;
  const store = createStore({
    connection: { connectionString: config.databaseUrl.reveal() },
    clock,
    logger,
    maxConnections: config.databasePoolSize,
    applicationName: `argosy-${program}`,
    argo: { instanceId: config.instanceId ?? '', clusterName: () => clusterNameOf(controllerConfig) },
  });
  const queueBackend = openQueueBackend(queueLocation(config), logger);
  const queueRuntime = new QueueRuntime({
    backend: queueBackend,
    delivery: 'queue',
    clock,
    logger,
    telemetry: queueMetrics(metrics),
  });
  showBacklogs(metrics, () => queueRuntime.backlogs());
  readiness.register('database', async () => (await store.health()).ready);
  readiness.register('queue', () => queueRuntime.isReady());
  showReadiness(metrics, readiness);
  const cluster = config.resources === 'kubernetes' ? openCluster(config, { logger, metrics }) : undefined;
  const resources = cluster?.resources ?? openResources(store, clock);
  const controllerConfig: ControllerConfigWatch = openControllerConfig(config, { resources, clock, logger, metrics });
  const argo = shareArgoDatabase(config, { controllerConfig, resources, clock, logger });
  store.archive.follow(argo.current);
  return {
    store,
    resources,
    cluster,
    controllerConfig,
    argoDatabase: argo.current,
    queueRuntime,
    queueBackend,
    queue: queueRuntime.queue,
    logger,
    metrics,
    readiness,
    clock,
    close: async () => {
      await controllerConfig.stop();
      await queueRuntime.close();
      await argo.close();
      cluster?.close();
      await store.close();
    },
  };
};

/** Column `clustername` of Argo's tables as `persistence` has it now. */
export const clusterNameOf = (controllerConfig: ControllerConfigWatch): string =>
  controllerConfig.current().persistence?.clusterName || 'default';

/** Templates, ConfigMaps, Secrets and records as the `resources` table keeps them. */
export const openResources = (store: Store, clock: Clock): ResourceStore =>
  new TableResourceStore({
    table: store.resources,
    clock,
    createUid: randomUUID,
    parseLabelSelector: (selector) => {
      const requirements = parseLabelSelector(selector);
      return (labels) => matchesLabels(requirements, labels);
    },
  });

/**
 * Begins to watch the controller's ConfigMap. The gauge `argosy_controller_config_problems` counts what is wrong with the one that is
 * stored: while it is above 0, an earlier one is in effect.
 */
export const openControllerConfig = (
  place: Pick<ProgramConfig, 'controllerNamespace' | 'controllerConfigmap'>,
  { metrics, ...collaborators }: Pick<ProgramParts, 'resources' | 'clock' | 'logger' | 'metrics'>,
): ControllerConfigWatch => {
  const watch = new ControllerConfigWatch({
    ...collaborators,
    namespace: place.controllerNamespace,
    name: place.controllerConfigmap,
  });
  const problems = metrics.gauge({
    name: 'argosy_controller_config_problems',
    help: "Problems of the stored controller's configuration; above 0 an earlier one is in effect.",
  });
  metrics.beforeScrape(() => problems.set(watch.state().problems.length));
  void watch.start();
  return watch;
};
