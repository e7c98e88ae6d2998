import path from 'node:path';
import { type ArtifactDrivers, ArtifactTransfer } from '#libs/artifacts';
import { processEnvironment } from '#libs/config';
import { createPodExecution } from '#libs/execution';
import { openKubernetesApi } from '#libs/program';
import type { JobQueue } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import type { ControllerSettings, ResourceStore } from '#libs/resources';
import { chooseRuntime, ImageCatalogue, type PodRuntime, type RuntimeChoice } from '#libs/runtimes';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { ClusterSettings } from '../pod-manager.config.js';
import { LogShipments, type LogShippingSettings } from '../logs/log-shipments.js';
import { shippingRuntime } from '../logs/shipping-runtime.js';
import type { PluginNetwork } from '../tasks/plugin/plugin-network.js';
import { clusterOf } from './open-cluster.js';
import { ResourceEnvSource } from './resource-env-source.js';
import { withTasks } from './with-tasks.js';

export interface PodRuntimeSettings {
  /** Where executor plugins for all namespaces are installed; default argo. */
  controllerNamespace?: string | undefined;
  /** Default: auto. */
  pluginNetwork?: PluginNetwork | undefined;
  runtime: RuntimeChoice;
  host: string;
  /** Whose tasks are done here; absent: those of `host`. */
  taskHost?: string | undefined;
  dataDir: string;
  imagesFile?: string | undefined;
  maxPods?: number | undefined;
  /** Host paths of which pods see nothing. */
  hiddenPaths: readonly string[];
  /** Host paths that pods may mount; none where absent. */
  hostPaths?: readonly string[] | undefined;
  /** Where the cluster is; the runtime `kubernetes` needs it. */
  cluster?: ClusterSettings | undefined;
  /** How logs are shipped while their pods run. */
  logShipping: LogShippingSettings;
}

export interface PodRuntimePorts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  /** What the executor and images are, by the controller's configuration. */
  controllerConfig: ControllerSettings;
  artifacts: ArtifactDrivers;
  clock: Clock;
  logger: Logger;
  /** Counts the calls to the API server; absent: nobody counts. */
  metrics?: Metrics;
}

/** Opens the runtime that the settings name, or the first that works on this machine. Throws NoRuntimeError saying what is missing. */
export const openPodRuntime = async (settings: PodRuntimeSettings, ports: PodRuntimePorts): Promise<PodRuntime> => {
  const { resources, artifacts, clock, logger } = ports;
  const { cluster } = settings;
  const clusterApi = cluster?.resources === 'kubernetes' ? openKubernetesApi(cluster) : undefined;
  const pods = await chooseRuntime(settings.runtime, {
    ...(cluster === undefined ? {} : { cluster: () => ({ ...clusterOf(cluster, ports), ...sharingOf(settings) }) }),
    staging: createPodExecution(new ArtifactTransfer(artifacts)),
    images: settings.imagesFile === undefined ? ImageCatalogue.empty() : ImageCatalogue.fromFile(settings.imagesFile),
    env: new ResourceEnvSource(resources),
    clock,
    logger,
    hostName: settings.host,
    dataFolder: path.resolve(settings.dataDir),
    hiddenPaths: settings.hiddenPaths,
    searchPath: processEnvironment()['PATH'] ?? '',
    hostPaths: settings.hostPaths ?? [],
    ...(settings.maxPods === undefined ? {} : { maxPods: settings.maxPods }),
  });
  const shipments = new LogShipments({
    rows: ports.store.logShipments,
    manifestOf: (identity) => ports.store.pods.getManifest(identity),
    runtime: pods,
    objects: artifacts,
    clock,
    logger,
    host: settings.host,
    settings: settings.logShipping,
  });
  const taskHost = pods.name === 'kubernetes' ? (settings.taskHost ?? settings.host) : settings.host;
  return withTasks(shippingRuntime(pods, shipments), ports, { ...settings, clusterApi, host: taskHost });
};

/** Whose share of the pods is followed here, where several have the same host. */
const sharingOf = ({ host, taskHost }: PodRuntimeSettings): { sharedAs?: string } =>
  taskHost === undefined || taskHost === host ? {} : { sharedAs: taskHost };
