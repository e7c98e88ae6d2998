import type { Resource } from '#libs/resources';
import { NotFoundError, type JsonValue } from '#libs/workflow-spec';
import type { TaskRun } from '../task.js';
import { KeptAccess } from './kept-access.js';
import type { KeptObjects, ObjectAccess, ObjectPlace, Writing } from './object-access.js';
import type { ObjectKind } from './object-kinds.js';
import { changeOwnPod, findOwnPod } from './own-pod.js';

/** Pods of a cluster, and among them the one that this task would have there if it had one. */
export class OwnPodAccess implements ObjectAccess {
  private readonly own: KeptAccess;

  constructor(
    private readonly run: TaskRun,
    private readonly cluster: ObjectAccess,
    kind: ObjectKind,
  ) {
    this.own = new KeptAccess(ownPodOnly(run), kind);
  }

  get(place: ObjectPlace): Promise<Resource> {
    return this.of(place).get(place);
  }

  list(namespace: string, selector: string): Promise<Resource[]> {
    return this.cluster.list(namespace, selector);
  }

  create(object: Resource, writing: Writing): Promise<void> {
    return this.of(placeOf(object)).create(object, writing);
  }

  replace(object: Resource, writing: Writing): Promise<void> {
    return this.of(placeOf(object)).replace(object, writing);
  }

  apply(object: Resource, writing: Writing): Promise<string> {
    return this.of(placeOf(object)).apply(object, writing);
  }

  patch(place: ObjectPlace, patch: JsonValue, writing: Writing & { strategy: string }): Promise<void> {
    return this.of(place).patch(place, patch, writing);
  }

  delete(place: ObjectPlace, writing: Writing): Promise<void> {
    return this.of(place).delete(place, writing);
  }

  private of(place: ObjectPlace): ObjectAccess {
    return findOwnPod(this.run, place) === undefined ? this.cluster : this.own;
  }
}

const placeOf = ({ metadata: { namespace = '', name } }: Resource): ObjectPlace => ({ namespace, name });

/** It is there for as long as the task runs: it can be read and changed, and nothing else. */
const ownPodOnly = (run: TaskRun): KeptObjects => ({
  get: async (place) => {
    const pod = findOwnPod(run, place);
    if (pod === undefined) throw new NotFoundError(`pods ${JSON.stringify(place.name)} not found`);
    return pod;
  },
  list: async () => [],
  create: (object) => Promise.reject(cannot('created', object.metadata.name)),
  replace: async (object) => {
    changeOwnPod(run, object);
    return object;
  },
  delete: ({ name }) => Promise.reject(cannot('deleted', name)),
});

const cannot = (what: string, name: string): NotFoundError =>
  new NotFoundError(`pods ${JSON.stringify(name)} is the pod of this step and cannot be ${what}: there is none`);
