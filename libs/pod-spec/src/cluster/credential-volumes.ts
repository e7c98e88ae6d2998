import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import type { PodWork } from '../contract.js';

/** Where Argo's executor finds the Secrets of artifact stores: a folder for each. */
export const SECRETS_FOLDER = '/argo/secret';

/** Volumes with the keys of Secrets that the pod's artifacts and their repository name, and their mounts in `init` and `wait` (Argo's createSecretVolumes). */
export function credentialVolumes({ repository, inputArtifacts, outputArtifacts, archiveLogs }: PodWork): {
  volumes: KubernetesObject[];
  mounts: (KubernetesObject & { name: string; mountPath: string })[];
} {
  const keys = new Map<string, Set<string>>();
  const moves = inputArtifacts.length + outputArtifacts.length > 0 || archiveLogs;
  const places: unknown[] = [...inputArtifacts, ...outputArtifacts, moves ? repository : undefined];
  for (const place of places) collect(place as JsonValue | undefined, keys);
  return {
    volumes: [...keys].map(([name, found]) => ({
      name,
      secret: { secretName: name, items: [...found].map((key) => ({ key, path: key })) },
    })),
    mounts: [...keys.keys()].map((name) => ({ name, mountPath: `${SECRETS_FOLDER}/${name}`, readOnly: true })),
  };
}

/** Every field `…Secret` that selects a key. */
function collect(value: JsonValue | undefined, keys: Map<string, Set<string>>): void {
  if (value === null || typeof value !== 'object') return;
  for (const [field, inner] of Object.entries(value)) {
    if (/Secret$/.test(field) && isSelector(inner)) keys.set(inner.name, (keys.get(inner.name) ?? new Set()).add(inner.key));
    else collect(inner, keys);
  }
}

const isSelector = (value: JsonValue): value is { name: string; key: string } =>
  value !== null &&
  typeof value === 'object' &&
  !Array.isArray(value) &&
  typeof value['name'] === 'string' &&
  typeof value['key'] === 'string';
