import {
  type ApiObject,
  KubernetesConflictError,
  KubernetesNotFoundError,
  type KubernetesApi,
  type ObjectAddress,
} from '#libs/kubernetes';
import { HOST_LABEL, IdentityLabel, identityLabels, type KubernetesPod } from '#libs/pod-spec';
import { FinalizerName, LabelName } from '#libs/workflow-spec';

import type { PodIdentity } from '../contract.js';
import { type ObservedPod, observedPod } from './observed-pod.js';
import { PodMark, SHARD_COUNT, SHORTEST_DEADLINE_SECONDS } from './pod-marks.js';

const PODS = { apiVersion: 'v1', plural: 'pods' } as const;

/** What Argo calls pods that execute templates for others. */
const AGENT = 'agent';

/** A pod as it is addressed; the UID makes sure that it is this one. */
export type PodPlace = Pick<ObservedPod, 'namespace' | 'name' | 'uid'>;

/** A part of all pods, as the API server is asked for it. */
export interface PodSelection {
  address: { apiVersion: string; plural: string; namespace?: string };
  labelSelector: string;
}

export interface ClusterPodsOptions {
  /** The only one that is served; absent: all. */
  namespace?: string;
  /** Whose pods are followed, by Argo's label; absent: those without. */
  instanceId?: string;
}

/** The calls to the API server that concern pods, each of which may be repeated. */
export class ClusterPods {
  constructor(
    private readonly api: KubernetesApi,
    private readonly options: ClusterPodsOptions = {},
  ) {}

  /** New pods wait where the server is slow: what there is goes on and ends first. */
  create(pod: KubernetesPod): Promise<ApiObject> {
    return this.api.create({ ...PODS, namespace: pod.metadata.namespace ?? 'default' }, pod, { isPatient: true });
  }

  /** Undefined where there is none of the name. */
  get(place: { namespace: string; name: string }): Promise<ApiObject | undefined> {
    return unlessGone(this.api.get({ ...PODS, ...place }));
  }

  /** The pod of an identity, wherever it is. Labels may stand for more than one identity, so what is found is looked at. */
  async find(identity: PodIdentity): Promise<ObservedPod | undefined> {
    const labels = identityLabels(identity);
    const labelSelector = Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(',');
    for await (const page of this.api.pages({ ...PODS, ...this.scope() }, { labelSelector })) {
      const found = page.items.map(observedPod).find((pod) => pod?.identity.nodeId === identity.nodeId && !isForgotten(pod));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Asks the kubelet to end the containers, by a deadline that has passed: TERM, and KILL after the grace period; object and logs stay. Gives the
   * pod as it is then, undefined where it is gone.
   */
  end(place: PodPlace, cause: string): Promise<ObservedPod | undefined> {
    return this.mark(place, cause, { spec: { activeDeadlineSeconds: SHORTEST_DEADLINE_SECONDS } });
  }

  /** Writes down that the pod is to end, and why; nothing ends it yet. Gives it as `end` does. */
  async mark(place: PodPlace, cause: string, more: { spec?: object } = {}): Promise<ObservedPod | undefined> {
    const metadata = { uid: place.uid, annotations: { [PodMark.endCause]: cause } };
    const patched = await unlessGone(this.patch(place, { metadata, ...more }));
    return patched === undefined ? undefined : observedPod(patched);
  }

  /** Lets go of a pod whose end is recorded. */
  async release({ finalizers, ...place }: PodPlace & Pick<ObservedPod, 'finalizers'>): Promise<void> {
    await unlessGone(
      this.patch(place, {
        metadata: {
          uid: place.uid,
          labels: { [LabelName.completed]: 'true' },
          finalizers: finalizers.filter((name) => name !== FinalizerName.podStatus),
        },
      }),
    );
  }

  /** Deletes the pod; what holds it is let go where `finalizers` are given. */
  async delete(place: PodPlace, options: { finalizers?: string[]; gracePeriodSeconds?: number } = {}): Promise<void> {
    const { finalizers, ...how } = options;
    if (finalizers?.includes(FinalizerName.podStatus) === true) await this.release({ ...place, finalizers });
    await unlessGone(this.api.delete(addressOf(place), { uid: place.uid, ...how }));
  }

  /** Deletes a pod for as long as no kubelet has it: one that is bound meanwhile is ended by its kubelet. */
  async deleteUnbound(pod: ObservedPod): Promise<void> {
    let found: ObservedPod | undefined = pod;
    while (found?.uid === pod.uid && found.nodeName === undefined && !found.isDeleted) {
      const { uid, resourceVersion } = found;
      try {
        return await this.api.delete(addressOf(pod), { uid, resourceVersion });
      } catch (error) {
        if (error instanceof KubernetesNotFoundError) return;
        if (!(error instanceof KubernetesConflictError)) throw error;
      }
      const now = await this.get(pod);
      found = now && observedPod(now);
    }
  }

  /**
   * Pods that are ours and whose end is not recorded, of all shards or of these. Pods without a shard (others have made them) are of shard 0, and where they are
   * shared, those of one process alone are of none.
   */
  selection(shards: readonly number[] | 'all', isShared: boolean): PodSelection {
    const parts = [...this.ours(), ...(isShared ? [`!${HOST_LABEL}`] : [])];
    if (shards !== 'all') {
      const others = Array.from({ length: SHARD_COUNT }, (_, shard) => shard).filter((shard) => !shards.includes(shard));
      if (!shards.includes(0)) parts.push(`${PodMark.shard} in (${shards.join(',')})`);
      else if (others.length > 0) parts.push(`${PodMark.shard} notin (${others.join(',')})`);
    }
    return { address: { ...PODS, ...this.scope() }, labelSelector: parts.join(',') };
  }

  /** Those of one process alone. */
  ownSelection(host: string): PodSelection {
    return { address: { ...PODS, ...this.scope() }, labelSelector: [...this.ours(), `${HOST_LABEL}=${host}`].join(',') };
  }

  /** Deletes what one process has run for its own use: nobody else knows the tokens of these plugins. */
  async deleteAgents(host: string): Promise<void> {
    const { address, labelSelector } = this.ownSelection(host);
    const selector = `${labelSelector},${LabelName.component}=${AGENT}`;
    for await (const { items } of this.api.pages<ApiObject>(address, { labelSelector: selector })) {
      for (const pod of items.map(observedPod)) if (pod !== undefined) await this.delete(pod, { finalizers: pod.finalizers });
    }
  }

  private ours(): string[] {
    const { instanceId } = this.options;
    const instance =
      instanceId === undefined ? `!${LabelName.controllerInstanceId}` : `${LabelName.controllerInstanceId}=${instanceId}`;
    return [IdentityLabel.workflowUid, `${LabelName.completed}=false`, instance];
  }

  private scope(): { namespace?: string } {
    const { namespace } = this.options;
    return namespace === undefined ? {} : { namespace };
  }

  private patch(place: PodPlace, patch: object): Promise<ApiObject> {
    return this.api.patch(addressOf(place), patch, { type: 'merge' });
  }
}

/** Deleted, and nobody here waits for its end any more. */
export const isForgotten = ({ isDeleted, isHeld }: Pick<ObservedPod, 'isDeleted' | 'isHeld'>): boolean => isDeleted && !isHeld;

const addressOf = ({ namespace, name }: PodPlace): ObjectAddress => ({ ...PODS, namespace, name });

/** Another pod of the name (a conflict of UIDs) is as good as none. */
async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof KubernetesNotFoundError || error instanceof KubernetesConflictError) return undefined;
    throw error;
  }
}
