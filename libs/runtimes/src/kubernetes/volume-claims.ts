import { KubernetesExistsError, type KubernetesApi, KubernetesNotFoundError } from '#libs/kubernetes';
import { UserError } from '#libs/workflow-spec';

import type { ClaimKey, ClaimOutcome, NewClaim } from '../contract.js';

const CLAIMS = { apiVersion: 'v1', plural: 'persistentvolumeclaims' } as const;

/**
 * Makes the PersistentVolumeClaim; one of the name that is there already stays as it is. Its owners stand on it where they are there: the
 * cluster deletes what belongs to an object that is not.
 */
export async function createVolumeClaim(
  api: KubernetesApi,
  { namespace, name, spec, metadata: { ownerReferences, ...marks } = {} }: NewClaim,
  areOwnersThere: boolean,
): Promise<ClaimOutcome> {
  try {
    const metadata = { ...marks, namespace, name, ...(areOwnersThere && ownerReferences ? { ownerReferences } : {}) };
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, spec };
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
