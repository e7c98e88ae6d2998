import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#libs/observability';
import { ResourceConflictError, ResourceNotFoundError, type Resource, type ResourceStore } from '#libs/resources';
import { HOST_LABEL } from '#libs/pod-spec';
import type { PodIdentity, PodObservation } from '#libs/runtimes';
import { formatTime, InvalidArgumentError, TransientError, type KubernetesObject } from '#libs/workflow-spec';
import type { ObjectPlace } from '../resource/object-access.js';
import { sideManifest } from './side-manifest.js';
import { SidePods } from './side-pods.js';

export interface MadePodsParts {
  resources: ResourceStore;
  pods: () => SidePods;
  host: string;
  logger: Logger;
}

export { HOST_LABEL };

const NODE_PREFIX = 'pod_';
const PAUSE_MS = 1_000;
const DEFAULT_GRACE_SECONDS = 30;
const UPDATE_ATTEMPTS = 10;

const identityOf = ({ namespace, name }: ObjectPlace): PodIdentity =>
  SidePods.identity('side-pods', `${NODE_PREFIX}${namespace}_${name}`);

/** Neither namespaces nor names have an underscore. */
const placeOf = ({ nodeId }: PodIdentity): ObjectPlace => {
  const [namespace = '', name = ''] = nodeId.slice(NODE_PREFIX.length).split('_');
  return { namespace, name };
};

/**
 * Pods that resource templates have made: objects of kind Pod whose containers run on this host and whose `status` tells of them, until the object is deleted. They
 * outlive the task, the workflow and this process.
 *
 * Crash points: after the object and before its pod, the start of the next process finds the object Pending and runs it.
 */
export class MadePods {
  private isClosing = false;

  constructor(private readonly parts: MadePodsParts) {}

  /** Stores the object and begins to run it. */
  async create(object: Resource, store: (pod: Resource) => Promise<Resource>): Promise<Resource> {
    if (containersOf(object).length === 0)
      throw new InvalidArgumentError(`Pod ${JSON.stringify(object.metadata.name)} is invalid: spec.containers: Required value`);
    const labels = { ...object.metadata.labels, [HOST_LABEL]: this.parts.host };
    const pod = await store({ ...object, metadata: { ...object.metadata, labels }, status: { phase: 'Pending' } });
    void this.bring(pod);
    return pod;
  }

  async delete(place: ObjectPlace): Promise<void> {
    await this.parts.resources.delete({ kind: 'Pod', ...place });
    await this.parts.pods().remove(identityOf(place));
  }

  /** Goes on with objects that a predecessor stored and did not run. */
  async resume(): Promise<void> {
    const { items } = await this.parts.resources.list('Pod', '', { labelSelector: `${HOST_LABEL}=${this.parts.host}` });
    for (const pod of items) if (phaseOf(pod) === 'Pending') void this.bring(pod);
  }

  /** Tells of the pod in its object; false where there is no such object any more. */
  async take(observation: PodObservation): Promise<boolean> {
    if (observation.identity.workflowUid !== 'side-pods') return false;
    const place = placeOf(observation.identity);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const pod = await this.parts.resources.get({ kind: 'Pod', ...place });
        await this.parts.resources.update({ ...pod, status: statusOf(pod, observation) });
        return true;
      } catch (error) {
        if (error instanceof ResourceNotFoundError) return false;
        if (!(error instanceof ResourceConflictError) || attempt === UPDATE_ATTEMPTS) throw error;
      }
    }
  }

  close(): void {
    this.isClosing = true;
  }

  /** Until there is a slot for it. */
  private async bring(pod: Resource): Promise<void> {
    const { name, namespace = '' } = pod.metadata;
    const identity = identityOf({ namespace, name });
    const metadata = { name, namespace, ...(pod.metadata.labels === undefined ? {} : { labels: pod.metadata.labels }) };
    const spec = (pod['spec'] ?? {}) as KubernetesObject;
    const grace = Number(spec['terminationGracePeriodSeconds'] ?? DEFAULT_GRACE_SECONDS);
    const manifest = sideManifest({ identity, metadata, spec, mainContainers: containersOf(pod), graceSeconds: grace });
    while (!this.isClosing) {
      try {
        await this.parts.pods().run(identity, manifest);
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (!(error instanceof TransientError)) {
          this.parts.logger.warn('a pod cannot run', { pod: name, namespace, error: message });
          await this.take({ identity, phase: 'Failed', message }).catch(() => false);
          return;
        }
        await sleep(PAUSE_MS);
      }
    }
  }
}

const containersOf = (pod: Resource): string[] => {
  const { containers } = (pod['spec'] ?? {}) as { containers?: { name?: string }[] };
  return Array.isArray(containers) ? containers.map(({ name = '' }) => name) : [];
};

const phaseOf = (pod: Resource): string => (pod['status'] as { phase?: string } | undefined)?.phase ?? '';

const containerStatus = (
  name: string,
  { phase, ready = phase === 'Running', exitCode, startedAtMs, finishedAtMs }: PodObservation,
): KubernetesObject => {
  const startedAt = startedAtMs === undefined ? {} : { startedAt: formatTime(startedAtMs) };
  const finishedAt = finishedAtMs === undefined ? {} : { finishedAt: formatTime(finishedAtMs) };
  const reason = phase === 'Succeeded' ? 'Completed' : 'Error';
  const state: KubernetesObject =
    phase === 'Running'
      ? { running: startedAt }
      : phase === 'Pending'
        ? { waiting: { reason: 'ContainerCreating' } }
        : { terminated: { exitCode: exitCode ?? (phase === 'Succeeded' ? 0 : 1), reason, ...startedAt, ...finishedAt } };
  return { name, ready, restartCount: 0, state };
};

/** The status of a pod as Kubernetes would have it, as far as it is known. */
const statusOf = (pod: Resource, observation: PodObservation): KubernetesObject => {
  const { phase, message, podIP, startedAtMs } = observation;
  return {
    phase: phase === 'Gone' ? 'Failed' : phase,
    ...(message === undefined ? {} : { message }),
    ...(podIP === undefined ? {} : { podIP }),
    ...(startedAtMs === undefined ? {} : { startTime: formatTime(startedAtMs) }),
    containerStatuses: containersOf(pod).map((name) => containerStatus(name, observation)),
  };
};
