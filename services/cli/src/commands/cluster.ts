import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { configOf, loadConfig, optionalText } from '#libs/config';
import type { KubernetesApi } from '#libs/kubernetes';

const placeSchema = configOf({
  kubeconfig: optionalText({ about: 'File that says where the cluster is.' }),
  kubernetesServiceHost: optionalText({ about: 'Address of the cluster that this program is a pod of; Kubernetes sets it.' }),
  kubernetesServicePort: optionalText({ about: 'Its port; Kubernetes sets it.' }),
});

const usualKubeconfig = (): string | undefined => {
  const usual = path.join(homedir(), '.kube', 'config');
  return existsSync(usual) ? usual : undefined;
};

/** The cluster of a kubeconfig: the given file, else KUBECONFIG, else ~/.kube/config, else that of the pod. Throws PermanentError where there is none. */
export const openCluster = async (kubeconfig: string | undefined): Promise<KubernetesApi> => {
  const place = loadConfig(placeSchema);
  // Loaded only when needed: other verbs start faster without it.
  const { KubernetesApi, openConnection } = await import('#libs/kubernetes');
  const connection = await openConnection({
    kubeconfig: kubeconfig ?? place.kubeconfig ?? usualKubeconfig(),
    serviceHost: place.kubernetesServiceHost,
    servicePort: place.kubernetesServicePort,
  });
  return new KubernetesApi({ connection });
};
