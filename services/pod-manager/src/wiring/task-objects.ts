import type { TaskOrder } from '#libs/pod-spec';
import type { ResourceStore } from '#libs/resources';
import type { ObjectAccess } from '../tasks/resource/object-access.js';
import type { ObjectKind } from '../tasks/resource/object-kinds.js';
import { PodObjects } from '../tasks/resource/pod-objects.js';
import { TableObjects } from '../tasks/resource/table-objects.js';
import { WorkflowObjects, type WorkflowObjectsParts } from '../tasks/resource/workflow-objects.js';
import type { MadePods } from '../tasks/side-pods/made-pods.js';
import type { TaskRun } from '../tasks/task.js';

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
