import type { RuntimeLogger } from '../collaborators.js';
import type { ClusterPods } from './cluster-pods.js';
import type { ObservedPod } from './observed-pod.js';

const RETRY_MS = 1_000;

/**
 * Asks kubelets to end pods, at once or after a while, and until the API server takes it. Memory only: who meets the pod after a restart asks again, as the reason to
 * end it is in its object.
 */
export class PodEnder {
  private readonly appointments = new Map<string, NodeJS.Timeout>();
  private readonly asking = new Set<string>();
  private isClosed = false;

  constructor(private readonly parts: { pods: Pick<ClusterPods, 'end'>; logger: RuntimeLogger }) {}

  /** An earlier appointment of the pod stands. */
  later(pod: ObservedPod, cause: string, waitMs: number): void {
    if (this.isClosed || this.appointments.has(pod.uid)) return;
    const timer = setTimeout(() => this.now(pod, cause), waitMs);
    this.appointments.set(pod.uid, timer);
  }

  now(pod: ObservedPod, cause: string): void {
    clearTimeout(this.appointments.get(pod.uid));
    this.appointments.delete(pod.uid);
    if (!this.asking.has(pod.uid)) void this.ask(pod, cause);
  }

  close(): void {
    this.isClosed = true;
    for (const timer of this.appointments.values()) clearTimeout(timer);
    this.appointments.clear();
  }

  private async ask(pod: ObservedPod, cause: string): Promise<void> {
    const { pods, logger } = this.parts;
    this.asking.add(pod.uid);
    try {
      await pods.end(pod, cause);
    } catch (error) {
      logger.warn('a pod cannot be ended; trying again', { err: error, pod: pod.name, cause });
      this.later(pod, cause, RETRY_MS);
    } finally {
      this.asking.delete(pod.uid);
    }
  }
}
