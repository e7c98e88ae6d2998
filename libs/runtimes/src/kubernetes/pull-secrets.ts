import { type ApiObject, KubernetesForbiddenError, type KubernetesApi, KubernetesNotFoundError } from '#libs/kubernetes';
import type { PodManifest } from '#libs/pod-spec';

import type { ImageReference } from './image-reference.js';
import type { ImageViewer } from './image-registry.js';
import { type PullCredential, pullCredentials } from './pull-credentials.js';

/** Who pulls: the Secrets of the pod itself, and the account whose Secrets it has where it names none. */
interface Puller {
  namespace: string;
  /** Names of Secrets. */
  secrets: string[];
  serviceAccount: string;
}

const DEFAULT_ACCOUNT = 'default';

/** A pod that looks for what its images run: as the Secrets say that a kubelet would pull them with. They are read when they are needed, and kept nowhere. */
export function imageViewer(api: KubernetesApi, manifest: PodManifest): ImageViewer {
  const puller = pullerOf(manifest);
  return { key: JSON.stringify(puller), credentials: (image) => credentialsOf(api, puller, image) };
}

function pullerOf({ metadata, spec, work }: PodManifest): Puller {
  return {
    namespace: metadata.namespace ?? work.workflowNamespace,
    secrets: namesIn(spec['imagePullSecrets']),
    serviceAccount: (spec['serviceAccountName'] as string | undefined) || DEFAULT_ACCOUNT,
  };
}

/**
 * Whom the registry of an image may know of a pod's pullers, in the order of their Secrets: those of the pod, and where it names none those of its
 * account (Kubernetes adds them likewise). Secrets that are not there, or may not be read, give nobody.
 */
async function credentialsOf(
  api: KubernetesApi,
  { namespace, secrets, serviceAccount }: Puller,
  image: ImageReference,
): Promise<PullCredential[]> {
  const names = secrets.length > 0 ? secrets : await secretsOf(api, namespace, serviceAccount);
  const found: PullCredential[] = [];
  for (const name of names) {
    const secret = await readable(api.get({ apiVersion: 'v1', plural: 'secrets', namespace, name }));
    found.push(...pullCredentials((secret?.['data'] ?? {}) as Record<string, string>, image));
  }
  return found;
}

async function secretsOf(api: KubernetesApi, namespace: string, name: string): Promise<string[]> {
  const account = await readable(api.get({ apiVersion: 'v1', plural: 'serviceaccounts', namespace, name }));
  return namesIn(account?.['imagePullSecrets']);
}

const namesIn = (references: unknown): string[] =>
  ((references ?? []) as { name?: string }[]).flatMap(({ name }) => (name === undefined || name === '' ? [] : [name]));

async function readable(asked: Promise<ApiObject>): Promise<ApiObject | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubernetesNotFoundError || error instanceof KubernetesForbiddenError) return undefined;
    throw error;
  }
}
