import { KubernetesExistsError, type KubernetesApi, KubernetesNotFoundError } from '#libs/kubernetes';
import { type KubernetesObject, UserError } from '#libs/workflow-spec';

import type { ClaimKey, ClaimOutcome } from '../contract.js';

const CLAIMS = { apiVersion: 'v1', plural: 'persistentvolumeclaims' } as const;

/** Makes the PersistentVolumeClaim; one of the name that is there already stays as it is. */
export async function createVolumeClaim(
  api: KubernetesApi,
  { namespace, name, spec }: ClaimKey & { spec: KubernetesObject },
): Promise<ClaimOutcome> {
  try {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { namespace, name }, spec };
    await api.create({ ...CLAIMS, namespace }, claim);
    return { type: 'created' };
  } catch (error) {
    if (error instanceof KubernetesExistsError) return { type: 'created' };
    if (error instanceof UserError) return { type: 'refused', message: error.message };
    throw error;
  }
}

/** Deletes it; the volume goes as its class says. */
export async function deleteVolumeClaim(api: KubernetesApi, { namespace, name }: ClaimKey): Promise<void> {
  try {
    await api.delete({ ...CLAIMS, namespace, name });
  } catch (error) {
    if (!(error instanceof KubernetesNotFoundError)) throw error;
  }
}
