import { PermanentError } from '#libs/workflow-spec';
import type { ClusterConnection } from './connection.js';
import { inClusterConnection } from './in-cluster.js';
import { kubeconfigConnection } from './kubeconfig.js';

/** Where a program looks for its cluster. */
export interface ClusterPlace {
  /** File; goes before the service account. */
  kubeconfig?: string | undefined;
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, as every pod has them. */
  serviceHost?: string | undefined;
  servicePort?: string | undefined;
}

/** The connection to the cluster: a kubeconfig where one is given, the service account of the pod otherwise. Throws PermanentError. */
export const openConnection = async ({ kubeconfig, serviceHost, servicePort }: ClusterPlace): Promise<ClusterConnection> => {
  if (kubeconfig) return kubeconfigConnection(kubeconfig);
  if (serviceHost) return inClusterConnection({ host: serviceHost, port: servicePort ?? '443' });
  throw new PermanentError('no cluster: set KUBECONFIG, or run in a pod with a service account');
};

/** The same, opened at the first use; what could not be opened is tried again at the next one. */
export const lazyConnection = (place: ClusterPlace): ClusterConnection => {
  let opened: Promise<ClusterConnection> | undefined;
  const open = (): Promise<ClusterConnection> => {
    opened ??= openConnection(place).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    namespace: async () => (await open()).namespace(),
    access: async () => (await open()).access(),
    kubeConfig: async () => (await open()).kubeConfig(),
    close: () => void opened?.then((connection) => connection.close()).catch(() => undefined),
  };
};
