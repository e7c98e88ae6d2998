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
