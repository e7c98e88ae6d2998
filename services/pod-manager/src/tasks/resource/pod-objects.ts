import type { Resource, ResourceStore } from '#libs/resources';
import type { MadePods } from '../side-pods/made-pods.js';
import type { TaskRun } from '../task.js';
import type { KeptObjects, ObjectPlace } from './object-access.js';
import { changeOwnPod, findOwnPod } from './own-pod.js';
import { TableObjects } from './table-objects.js';

/** Pods that resource templates have made, and the one that this task would have on a cluster. The pods of workflows are not among them. */
export class PodObjects implements KeptObjects {
  private readonly stored: TableObjects;

  constructor(
    private readonly run: TaskRun,
    private readonly made: MadePods,
    resources: ResourceStore,
  ) {
    this.stored = new TableObjects(resources, 'Pod');
  }

  async get(place: ObjectPlace): Promise<Resource> {
    return findOwnPod(this.run, place) ?? this.stored.get(place);
  }

  list(namespace: string, selector: string): Promise<Resource[]> {
    return this.stored.list(namespace, selector);
  }

  create(object: Resource, author: string): Promise<Resource> {
    return this.made.create(object, (pod) => this.stored.create(pod, author));
  }

  async replace(object: Resource, before: Resource): Promise<Resource> {
    const { name, namespace = '' } = before.metadata;
    if (findOwnPod(this.run, { name, namespace }) === undefined) return this.stored.replace(object, before);
    changeOwnPod(this.run, object);
    return object;
  }

  delete(place: ObjectPlace): Promise<void> {
    return this.made.delete(place);
  }
}
