import type { Resource } from '#libs/resources';
import { NotFoundError } from '#libs/workflow-spec';
import type { TaskRun } from '../task.js';
import type { ObjectPlace } from './object-access.js';

/** What a task has made of its own pod, for as long as it runs. */
const pods = new WeakMap<AbortSignal, Resource>();

const ownPod = ({ signal, manifest }: TaskRun): Resource => {
  const known = pods.get(signal);
  if (known !== undefined) return known;
  const { apiVersion, kind, metadata } = manifest;
  return {
    apiVersion,
    kind,
    metadata: { ...metadata, name: metadata.name ?? '' },
    spec: { containers: [] },
    status: { phase: 'Running' },
  };
};

const isOwn = ({ manifest: { metadata } }: TaskRun, { namespace, name }: ObjectPlace): boolean =>
  metadata.name === name && metadata.namespace === namespace;

/**
 * The pod that a resource template is run by on a cluster. Here it has none, so that the object is made up: steps read and annotate it while they run, and nobody
 * sees it afterwards.
 */
export const findOwnPod = (run: TaskRun, place: ObjectPlace): Resource | undefined =>
  isOwn(run, place) ? ownPod(run) : undefined;

/** Keeps what the task has changed of its own pod. Throws NotFoundError for any other. */
export const changeOwnPod = (run: TaskRun, pod: Resource): void => {
  const { name, namespace = '' } = pod.metadata;
  if (!isOwn(run, { name, namespace })) throw new NotFoundError(`pods ${JSON.stringify(name)} not found`);
  pods.set(run.signal, pod);
};
