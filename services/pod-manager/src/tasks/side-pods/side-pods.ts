import type { Logger } from '#libs/observability';
import type { PodManifest } from '#libs/pod-spec';
import type { PodIdentity, PodObservation, PodRuntime } from '#libs/runtimes';
import { TransientError } from '#libs/workflow-spec';
import { TaskError } from '../task.js';

/** What the pods of tasks are for; no workflow has such a uid. */
export type SideGroup = 'side-plugins' | 'side-pods';
const GROUPS: ReadonlySet<string> = new Set<SideGroup>(['side-plugins', 'side-pods']);

const ENDED: ReadonlySet<PodObservation['phase']> = new Set(['Succeeded', 'Failed', 'Gone']);

export interface SidePodsParts {
  runtime: Pick<PodRuntime, 'create' | 'delete' | 'forward'>;
  /** Takes what is seen of pods that outlive the task that made them; false where nobody knows the pod. */
  onSeen: (observation: PodObservation) => Promise<boolean>;
  logger: Logger;
}

interface SidePod {
  seen: PodObservation | undefined;
  wake: (() => void)[];
}

/**
 * Pods that tasks have run beside the workflow's own: plugins, and pods made by resource templates. They have no row of their own; a pod that nobody here wants is
 * one that a predecessor left, and goes.
 */
export class SidePods {
  private readonly wanted = new Map<string, SidePod>();

  constructor(private readonly parts: SidePodsParts) {}

  static identity(group: SideGroup, name: string): PodIdentity {
    return { workflowUid: group, nodeId: name, incarnation: 0 };
  }

  static isSide({ workflowUid }: PodIdentity): boolean {
    return GROUPS.has(workflowUid);
  }

  /** Runs a pod, or finds it running. Throws TransientError where there is no slot, TaskError where it can never run. */
  async run(identity: PodIdentity, manifest: PodManifest): Promise<'created' | 'adopted'> {
    this.podOf(identity);
    const outcome = await this.parts.runtime.create(identity, manifest);
    if (outcome.type === 'created' || outcome.type === 'adopted') return outcome.type;
    this.wanted.delete(identity.nodeId);
    throw outcome.type === 'busy' ? new TransientError(outcome.message) : new TaskError(outcome.message);
  }

  /** Takes what the runtime sees of side pods. Rejects where it could not be kept: the runtime then offers it again. */
  async take(observations: readonly PodObservation[]): Promise<void> {
    for (const observation of observations) {
      const pod = this.wanted.get(observation.identity.nodeId);
      if (pod !== undefined) {
        pod.seen = observation;
        for (const wake of pod.wake.splice(0)) wake();
      }
      const isKept = (await this.parts.onSeen(observation)) || pod !== undefined;
      if (!isKept && observation.phase !== 'Gone') await this.parts.runtime.delete(observation.identity);
    }
  }

  /** The first observation for which the pod runs, or has ended; undefined where the signal was first. */
  async settled(identity: PodIdentity, signal: AbortSignal): Promise<PodObservation | undefined> {
    const pod = this.podOf(identity);
    for (;;) {
      const { seen } = pod;
      if (seen !== undefined && seen.phase !== 'Pending') return seen;
      if (signal.aborted) return undefined;
      await new Promise<void>((resolve) => {
        pod.wake.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** How the pod ended, if it has. */
  ended(identity: PodIdentity): PodObservation | undefined {
    const seen = this.wanted.get(identity.nodeId)?.seen;
    return seen !== undefined && ENDED.has(seen.phase) ? seen : undefined;
  }

  /** Whether pods can have a network of their own and be reached there. */
  get canForward(): boolean {
    return this.parts.runtime.forward !== undefined;
  }

  /** The socket of a port of a pod with a network of its own. Throws TransientError where the pod does not run. */
  async socketOf(identity: PodIdentity, port: number): Promise<string> {
    const forwarded = await this.parts.runtime.forward?.(identity, port);
    if (forwarded === undefined) throw new TransientError('pods have no network of their own here');
    return forwarded.socketPath;
  }

  async remove(identity: PodIdentity): Promise<void> {
    this.wanted.delete(identity.nodeId);
    await this.parts.runtime.delete(identity);
  }

  private podOf({ nodeId }: PodIdentity): SidePod {
    const known = this.wanted.get(nodeId);
    if (known !== undefined) return known;
    const pod: SidePod = { seen: undefined, wake: [] };
    this.wanted.set(nodeId, pod);
    return pod;
  }
}
