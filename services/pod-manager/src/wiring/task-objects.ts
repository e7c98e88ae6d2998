import type { TaskOrder } from '#libs/pod-spec';
import { PeriodicTask } from '#libs/queue';
import type { Resource, ResourceStore } from '#libs/resources';
import type { ObjectAccess } from '../tasks/resource/object-access.js';
import type { ObjectKind } from '../tasks/resource/object-kinds.js';
import { collectOrphans } from '../tasks/resource/owned-objects.js';
import { PodObjects } from '../tasks/resource/pod-objects.js';
import { TableObjects } from '../tasks/resource/table-objects.js';
import { WorkflowObjects, type WorkflowObjectsParts } from '../tasks/resource/workflow-objects.js';
import { HOST_LABEL, type MadePods } from '../tasks/side-pods/made-pods.js';
import type { TaskRun } from '../tasks/task.js';
import type { TaskPorts } from './task-ports.js';

type ResourceRun = TaskRun<Extract<TaskOrder, { kind: 'resource' }>>;

/** Where the objects of each kind are: workflows in their tables, pods beside the runtime, everything else in the resource store. */
export const accessByKind = (
  resources: ResourceStore,
  workflows: WorkflowObjectsParts,
  madePods: MadePods,
): ((kind: ObjectKind, run: ResourceRun) => ObjectAccess) => {
  const workflowObjects = new WorkflowObjects(workflows);
  return ({ kind }, run) => {
    if (kind === 'Workflow') return workflowObjects;
    return kind === 'Pod' ? new PodObjects(run, madePods, resources) : new TableObjects(resources, kind);
  };
};

const COLLECTION_INTERVAL_MS = 30_000;

/** Deletes, now and then, the objects that `setOwnerReference` has given to workflows that are gone. Pods go where they run. */
export const orphanCollection = (
  { store, queue, resources, clock, logger }: WorkflowObjectsParts & Pick<TaskPorts, 'store' | 'resources' | 'logger'>,
  madePods: MadePods,
  host: string,
): PeriodicTask => {
  const workflowObjects = new WorkflowObjects({ store, queue, clock });
  const accessTo = ({ kind }: ObjectKind, object: Resource): Pick<ObjectAccess, 'delete'> | undefined => {
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
