import { PeriodicTask } from '#libs/queue';
import { KindCatalogue, type KubernetesApi, KubernetesNotFoundError } from '#libs/kubernetes';
import type { Resource, ResourceStore } from '#libs/resources';
import { clusterKinds } from '../tasks/resource/cluster-kinds.js';
import { ClusterObjects } from '../tasks/resource/cluster-objects.js';
import { KeptAccess } from '../tasks/resource/kept-access.js';
import type { KeptObjects } from '../tasks/resource/object-access.js';
import { keptKinds, type ObjectKind } from '../tasks/resource/object-kinds.js';
import { collectOrphans } from '../tasks/resource/owned-objects.js';
import { OwnPodAccess } from '../tasks/resource/own-pod-access.js';
import { PodObjects } from '../tasks/resource/pod-objects.js';
import { TableObjects } from '../tasks/resource/table-objects.js';
import { WorkflowObjects, type WorkflowObjectsParts } from '../tasks/resource/workflow-objects.js';
import { HOST_LABEL, type MadePods } from '../tasks/side-pods/made-pods.js';
import type { ResourceTaskParts } from '../tasks/resource/resource-task.js';
import { TaskError } from '../tasks/task.js';
import type { TaskPorts } from './task-ports.js';

/** Where the objects of each kind are kept without a cluster: workflows in their tables, pods beside the runtime, everything else in the resource store. */
export const keptObjects = (
  resources: ResourceStore,
  workflows: WorkflowObjectsParts,
  madePods: MadePods,
): ResourceTaskParts['objectsFor'] => {
  const workflowObjects = new WorkflowObjects(workflows);
  return async (run) => {
    const objectsOf = ({ kind }: ObjectKind): KeptObjects => {
      if (kind === 'Workflow') return workflowObjects;
      return kind === 'Pod' ? new PodObjects(run, madePods, resources) : new TableObjects(resources, kind);
    };
    return { kinds: keptKinds, accessTo: (kind) => new KeptAccess(objectsOf(kind), kind) };
  };
};

/**
 * All objects of the cluster, with the rights of the service account under which Argo would run the step's pod: requests go as that account, which has
 * to be there as it would for a pod.
 */
export const clusterObjects = (api: KubernetesApi): ResourceTaskParts['objectsFor'] => {
  const kinds = clusterKinds(new KindCatalogue(api));
  return async (run) => {
    const { workflowNamespace: namespace } = run.manifest.work;
    const account = { namespace, name: run.order.serviceAccountName ?? 'default' };
    await assertAccount(api, account, run.manifest.metadata.name ?? '');
    const own = api.as(account);
    return {
      kinds,
      accessTo: (kind) => {
        const objects = new ClusterObjects(own, kind);
        return kind.group === '' && kind.kind === 'Pod' ? new OwnPodAccess(run, objects, kind) : objects;
      },
    };
  };
};

/** An account that was deleted may have left its rights behind. Throws TaskError in the words of the API server about such a pod. */
const assertAccount = async (api: KubernetesApi, { namespace, name }: { namespace: string; name: string }, pod: string) => {
  try {
    await api.get({ apiVersion: 'v1', plural: 'serviceaccounts', namespace, name });
  } catch (error) {
    if (!(error instanceof KubernetesNotFoundError)) throw error;
    throw new TaskError(
      `pods ${JSON.stringify(pod)} is forbidden: error looking up service account ${namespace}/${name}: ${error.message}`,
      { cause: error },
    );
  }
};

const COLLECTION_INTERVAL_MS = 30_000;

/** On a cluster its own garbage collection does that. */
export const noCollection: Pick<PeriodicTask, 'start' | 'stop'> = { start: () => undefined, stop: async () => undefined };

/** Deletes, now and then, the objects that `setOwnerReference` has given to workflows that are gone. Pods go where they run. */
export const orphanCollection = (
  { store, queue, resources, clock, logger }: WorkflowObjectsParts & Pick<TaskPorts, 'store' | 'resources' | 'logger'>,
  madePods: MadePods,
  host: string,
): PeriodicTask => {
  const workflowObjects = new WorkflowObjects({ store, queue, clock });
  const accessTo = ({ kind }: ObjectKind, object: Resource): Pick<KeptObjects, 'delete'> | undefined => {
    if (kind === 'Workflow') return workflowObjects;
    if (kind !== 'Pod') return new TableObjects(resources, kind);
    return object.metadata.labels?.[HOST_LABEL] === host ? madePods : undefined;
  };
  return new PeriodicTask({
    name: 'delete what belonged to workflows that are gone',
    intervalMs: COLLECTION_INTERVAL_MS,
    logger,
    run: async () => {
      const deleted = await collectOrphans({ resources, workflows: store.workflows, accessTo });
      if (deleted > 0) logger.info('objects of workflows that are gone were deleted', { objects: deleted });
    },
  });
};
