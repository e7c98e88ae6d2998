import { inClusterConnection, KubernetesApi } from '#libs/kubernetes';
import { UserError } from '#libs/workflow-spec';

/** What the kubelet tells containers in variables. */
export type PodVariables = Readonly<Record<string, string | undefined>>;

/**
 * Works on the API server as the service account of this pod, in its namespace. Throws UserError outside of pods, PermanentError where the account shows no
 * token, and what `work` throws.
 */
export async function withOwnCluster<T>(
  variables: PodVariables,
  work: (api: KubernetesApi, namespace: string) => Promise<T>,
): Promise<T> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = variables;
  if (host === undefined) throw new UserError('KUBERNETES_SERVICE_HOST is not set');
  const connection = inClusterConnection({ host, port });
  try {
    return await work(new KubernetesApi({ connection }), (await connection.namespace()) ?? 'default');
  } finally {
    connection.close();
  }
}
