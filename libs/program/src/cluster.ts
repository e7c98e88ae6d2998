import { type ApiCall, KubernetesApi, lazyConnection, Pace } from '#libs/kubernetes';
import type { Logger, Metrics } from '#libs/observability';
import { KubernetesResourceStore, KubernetesWorkflowObjects, type ResourceStore, type WorkflowObjects } from '#libs/resources';
import type { ProgramConfig } from './parts.js';

/** What a program on a cluster is wired from. Nothing of it needs the API server to be there. */
export interface ClusterParts {
  api: KubernetesApi;
  resources: ResourceStore;
  objects: WorkflowObjects;
  close(): void;
}

type ClusterConfig = Pick<
  ProgramConfig,
  'kubeconfig' | 'kubernetesServiceHost' | 'kubernetesServicePort' | 'managedNamespace' | 'instanceId'
>;

/** The API server as a program's configuration names it, for objects or for pods. Opened at the first call. */
export const openKubernetesApi = (
  config: ClusterConfig,
  metrics?: Metrics,
  purpose: 'objects' | 'pods' = 'objects',
): KubernetesApi => {
  const connection = lazyConnection({
    kubeconfig: config.kubeconfig,
    serviceHost: config.kubernetesServiceHost,
    servicePort: config.kubernetesServicePort,
  });
  if (metrics === undefined) return new KubernetesApi({ connection });
  const pace = new Pace();
  const window = metrics.gauge({
    name: 'argosy_kubernetes_window',
    help: 'Requests to the API server of the cluster that may be in flight at once; it follows what the server answers.',
    labelNames: ['purpose'],
  });
  metrics.beforeScrape(() => window.set(pace.size, { purpose }));
  return new KubernetesApi({ connection, pace, onCall: countCalls(metrics) });
};

/** Objects on the cluster. */
export const openCluster = (config: ClusterConfig, { logger, metrics }: { logger: Logger; metrics: Metrics }): ClusterParts => {
  const { managedNamespace, instanceId } = config;
  const api = openKubernetesApi(config, metrics);
  return {
    api,
    resources: new KubernetesResourceStore({ api, managedNamespace, logger }),
    objects: new KubernetesWorkflowObjects({ api, managedNamespace, instanceId }),
    close: () => api.connection.close(),
  };
};

const countCalls = (metrics: Metrics): ((call: ApiCall) => void) => {
  const calls = metrics.counter({
    name: 'argosy_kubernetes_calls_total',
    help: 'Requests to the API server of the cluster by verb and resource, as roles name them, and status; 0: no answer.',
    labelNames: ['verb', 'resource', 'status'],
  });
  return ({ verb, resource, httpStatus }) => calls.add(1, { verb, resource, status: String(httpStatus) });
};
