import { openBrokerAccess, openKubernetesApi } from '#libs/program';
import { ImageRegistry, imageViewer, type KubernetesRuntimeOptions } from '#libs/runtimes';
import { ConfigError } from '#libs/config';
import type { KubernetesObject } from '#libs/workflow-spec';
import type { ClusterSettings } from '../pod-manager.config.js';
import type { PodRuntimePorts } from './open-pod-runtime.js';

type Ports = Pick<PodRuntimePorts, 'store' | 'controllerConfig' | 'clock' | 'logger' | 'metrics'>;

/** Argo's own requests for its executor. */
const EXECUTOR_RESOURCES = { requests: { cpu: '10m', memory: '64Mi' } };

/** The cluster that the settings name, and what its pods are given. Nothing of it needs the API server to be there. */
export const clusterOf = (settings: ClusterSettings, ports: Ports): KubernetesRuntimeOptions => {
  const { controllerConfig, clock, logger } = ports;
  const broker = openBrokerAccess({
    store: ports.store,
    clock,
    key: settings.artifactBrokerKey,
    url: settings.artifactBrokerUrl,
    tokenLifeMs: settings.artifactBrokerTokenTtlMs,
  });
  const registry = new ImageRegistry({ mirrors: mirrorsOf(settings.registryMirrors), nowMs: () => clock.nowMs() });
  const api = openKubernetesApi(settings, ports.metrics, 'pods');
  return {
    api,
    ownersInCluster: settings.resources === 'kubernetes',
    executor: () => ({
      container: executorContainer(settings, controllerConfig.current().executor),
      folder: settings.executorFolder,
      mountsCredentials: broker === undefined,
      ...(broker === undefined ? {} : { variables: (identity) => broker.environment(identity) }),
    }),
    programOf: async (image, manifest) => {
      const configured = controllerConfig.current().images?.[image];
      if (configured === undefined) return registry.programOf(image, imageViewer(api, manifest));
      const { entrypoint, cmd } = configured;
      return { ...(entrypoint === undefined ? {} : { entrypoint }), ...(cmd === undefined ? {} : { cmd }) };
    },
    logsSpecs: () => controllerConfig.current().podSpecLogStrategy ?? {},
    deletionGraceSeconds: () => controllerConfig.current().podGCGracePeriodSeconds,
    logger,
    ...(settings.managedNamespace === undefined ? {} : { namespace: settings.managedNamespace }),
    ...(settings.instanceId === undefined ? {} : { instanceId: settings.instanceId }),
  };
};

/** What the controller's configuration says of the executor goes before what is usual; its command is the image's own affair. */
const executorContainer = ({ executorImage }: ClusterSettings, written: KubernetesObject = {}): KubernetesObject => {
  const { command: _command, args: _args, name: _name, ...fields } = written;
  return { image: executorImage, imagePullPolicy: 'IfNotPresent', resources: EXECUTOR_RESOURCES, ...fields };
};

const mirrorsOf = (written: readonly string[]): Map<string, string> =>
  new Map(
    written.map((entry) => {
      const [registry = '', url = ''] = entry.split(/=(.*)/s);
      if (!URL.canParse(url))
        throw new ConfigError([{ variable: 'REGISTRY_MIRRORS', problem: `"${entry}" is not registry=URL` }]);
      return [registry, url.replace(/\/+$/, '')];
    }),
  );
