import type { CaptureResult } from '#libs/execution';
import { KubernetesExistsError } from '#libs/kubernetes';
import type { ExecutorPod } from '#libs/pod-spec';
import { API_VERSION, LabelName, UserError } from '#libs/workflow-spec';

import { type PodVariables, withOwnCluster } from './own-cluster.js';

const TASK_RESULTS = { apiVersion: API_VERSION, plural: 'workflowtaskresults' } as const;
/** An API server takes objects of some 1.5 MB. */
const MAX_BYTES = 1_000_000;

/**
 * Leaves the outputs in the WorkflowTaskResult of the node and gives its UID, which the pod tells as its own. It takes the right of the pod's service account to
 * create and patch these, as Argo's executor does. The object belongs to the pod and goes with it. One that an earlier pod of the node has left is
 * written over. Throws UserError where the outputs are too large or the right is missing, TransientError where the API server is away.
 */
export async function storeTaskResult(
  pod: ExecutorPod,
  { outputs, error }: CaptureResult,
  variables: PodVariables,
): Promise<string> {
  if (error !== undefined) throw new UserError(error);
  const result = taskResult(pod, outputs, variables);
  if (Buffer.byteLength(JSON.stringify(result)) > MAX_BYTES) throw new UserError('the outputs are too large for one object');
  return withOwnCluster(variables, async (api, namespace) => {
    try {
      return uidOf(await api.create({ ...TASK_RESULTS, namespace }, result));
    } catch (failure) {
      if (!(failure instanceof KubernetesExistsError)) throw failure;
      return uidOf(await api.patch({ ...TASK_RESULTS, namespace, name: pod.work.nodeId }, result, { type: 'merge' }));
    }
  });
}

const uidOf = ({ metadata }: { metadata: { uid?: string } }): string => metadata.uid ?? '';

const taskResult = ({ work }: ExecutorPod, outputs: CaptureResult['outputs'], variables: PodVariables): object => ({
  apiVersion: API_VERSION,
  kind: 'WorkflowTaskResult',
  metadata: {
    name: work.nodeId,
    labels: { [LabelName.workflow]: work.workflowName, [LabelName.reportOutputsCompleted]: 'true' },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Pod', name: variables['ARGO_POD_NAME'] ?? '', uid: variables['ARGO_POD_UID'] ?? '' },
    ],
  },
  outputs,
});
