import {
  type ApiObject,
  type KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesNotFoundError,
} from '#libs/kubernetes';
import { API_VERSION, type KubernetesObject, LabelName, UserError } from '#libs/workflow-spec';

import type { WorkflowObjectKey } from './contract.js';

const BUDGETS = { apiVersion: 'policy/v1', plural: 'poddisruptionbudgets' } as const;

const isOurs = ({ metadata }: ApiObject, { uid }: WorkflowObjectKey): boolean =>
  ((metadata['ownerReferences'] ?? []) as { uid?: string }[]).some((owner) => owner.uid === uid);

/**
 * Makes the PodDisruptionBudget of a workflow: of its name, over its pods, and the workflow's own, so that it goes with it at the latest. One that is
 * there already stays as it is. Throws UserError where the API server refuses it, or another one has the name.
 */
export async function makeBudget(api: KubernetesApi, key: WorkflowObjectKey, written: KubernetesObject): Promise<void> {
  const { namespace, name, uid } = key;
  const owner = { apiVersion: API_VERSION, kind: 'Workflow', name, uid, controller: true, blockOwnerDeletion: true };
  const budget = {
    apiVersion: BUDGETS.apiVersion,
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace, labels: { [LabelName.workflow]: name }, ownerReferences: [owner] },
    spec: { ...written, selector: { matchLabels: { [LabelName.workflow]: name } } },
  };
  try {
    await api.create({ ...BUDGETS, namespace }, budget);
  } catch (error) {
    if (!(error instanceof KubernetesExistsError)) throw error;
    if (!isOurs(await api.get<ApiObject>({ ...BUDGETS, namespace, name }), key))
      throw new UserError(`poddisruptionbudgets "${name}" already exists, and belongs to somebody else`);
  }
}

/** Deletes it; one that is gone, or belongs to somebody else, is no error. */
export async function removeBudget(api: KubernetesApi, key: WorkflowObjectKey): Promise<void> {
  const { namespace, name } = key;
  try {
    const found = await api.get<ApiObject>({ ...BUDGETS, namespace, name });
    if (isOurs(found, key)) await api.delete({ ...BUDGETS, namespace, name }, { uid: found.metadata.uid });
  } catch (error) {
    if (!(error instanceof KubernetesNotFoundError) && !(error instanceof KubernetesConflictError)) throw error;
  }
}
