import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { clusterFields, configOf, loadConfig } from '#libs/config';
import type { KubernetesApi } from '#libs/kubernetes';

const { kubeconfig, kubernetesServiceHost, kubernetesServicePort } = clusterFields;
const placeSchema = configOf({ kubeconfig, kubernetesServiceHost, kubernetesServicePort });

const usualKubeconfig = (): string | undefined => {
  const usual = path.join(homedir(), '.kube', 'config');
  return existsSync(usual) ? usual : undefined;
};

/** The cluster of a kubeconfig: the given file, else KUBECONFIG, else ~/.kube/config, else that of the pod. Throws PermanentError where there is none. */
export const openCluster = async (given: string | undefined): Promise<KubernetesApi> => {
  const place = loadConfig(placeSchema);
  // Loaded only when needed: other verbs start faster without it.
  const { KubernetesApi, openConnection } = await import('#libs/kubernetes');
  const connection = await openConnection({
    kubeconfig: given ?? place.kubeconfig ?? usualKubeconfig(),
    serviceHost: place.kubernetesServiceHost,
    servicePort: place.kubernetesServicePort,
  });
  return new KubernetesApi({ connection });
};
