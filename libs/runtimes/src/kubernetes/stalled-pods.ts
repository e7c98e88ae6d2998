import type { RuntimeLogger } from '../collaborators.js';
import type { PodIdentity } from '../contract.js';
import type { ClusterPods } from './cluster-pods.js';
import type { ObservedPod } from './observed-pod.js';
import { PodAppointments } from './pod-appointments.js';
import { isAboutToBegin, isLeftToOthers, isLingering, isStuckInStart } from './pod-assessment.js';
import { EndCause } from './pod-marks.js';

/** How long a pod may stand still before somebody helps. */
export interface StalledPodPatience {
  /** How long containers that others put into a pod may go on when everything else has ended; default 2 s. */
  patienceWithOthersMs?: number;
  /** For how long a pod that is to end may say nothing of the start of its containers; default 5 s. */
  patienceWithStartsMs?: number;
  /** How long a kubelet that was interrupted in a start may take to go on with it; default 30 s. */
  patienceWithStuckStartsMs?: number;
}

export interface StalledPodsParts {
  pods: Pick<ClusterPods, 'end' | 'delete' | 'deleteUnbound'>;
  /** The pod as it is now; undefined where it is gone. */
  look: (identity: PodIdentity) => Promise<ObservedPod | undefined>;
  /** Told of a pod whose kubelet has had its time to say how the containers ended. */
  overdue: (pod: ObservedPod) => void;
  patience: StalledPodPatience;
  logger: RuntimeLogger;
}

const PATIENCE_WITH_OTHERS_MS = 2_000;
/** An image may be pulled meanwhile, which takes long and cannot be told from a start. */
const PATIENCE_WITH_STARTS_MS = 5_000;
const PATIENCE_WITH_STUCK_STARTS_MS = 30_000;
/** Kubernetes' own. */
const DEFAULT_GRACE_SECONDS = 30;
/** What a kubelet may take beyond the grace period until it has told of the end. */
const KUBELET_MARGIN_MS = 10_000;

/**
 * Pods that do not go on by themselves: left to containers of others, to be ended, failed while containers run, or lost in their start. Each is helped at once or
 * when its time is over. Memory only: who meets the pod after a restart finds the same in its object.
 */
export class StalledPods {
  private readonly endings: PodAppointments;
  private readonly looks: PodAppointments;

  constructor(private readonly parts: StalledPodsParts) {
    const { logger } = parts;
    this.endings = new PodAppointments({ about: 'a pod cannot be ended', logger });
    this.looks = new PodAppointments({ about: 'a pod whose end is overdue cannot be read', logger });
  }

  /** To be called with every state of a pod; `isEnd`: nothing follows. */
  meet(pod: ObservedPod, isEnd: boolean): void {
    if (!isEnd && isLingering(pod)) this.lookLater(pod);
    if (isStuckInStart(pod)) this.deleteIfStuck(pod);
    this.endWhereDue(pod, isEnd);
  }

  close(): void {
    this.endings.close();
    this.looks.close();
  }

  /**
   * Containers that were injected do not end by themselves (Argo ends them likewise, by a signal). A pod that is to end and starts at the moment does so when its
   * start is known: a kubelet that is interrupted in it forgets containers that have begun, and what they have made is lost.
   */
  private endWhereDue(pod: ObservedPod, isEnd: boolean): void {
    const { pods, patience } = this.parts;
    const { patienceWithOthersMs = PATIENCE_WITH_OTHERS_MS, patienceWithStartsMs = PATIENCE_WITH_STARTS_MS } = patience;
    const end = (cause: string) => () => pods.end(pod, cause);
    if (isLeftToOthers(pod)) this.endings.later(pod.uid, patienceWithOthersMs, end(EndCause.left));
    if (isEnd || pod.endCause !== EndCause.terminated || pod.isToldToEnd === true) return;
    // No kubelet has it, so none will end it.
    if (pod.nodeName === undefined) this.endings.now(pod.uid, () => pods.deleteUnbound(pod));
    else if (isAboutToBegin(pod)) this.endings.later(pod.uid, patienceWithStartsMs, end(EndCause.terminated));
    else this.endings.now(pod.uid, end(EndCause.terminated));
  }

  /** Nobody tells more of a pod whose node is gone. */
  private lookLater({ identity, uid, graceSeconds = DEFAULT_GRACE_SECONDS }: ObservedPod): void {
    const look = async (): Promise<void> => {
      const pod = await this.parts.look(identity);
      if (pod?.uid === uid) this.parts.overdue(pod);
    };
    this.looks.later(uid, graceSeconds * 1_000 + KUBELET_MARGIN_MS, look);
  }

  /** Nothing of it has run; deleted, it is reported as never begun. */
  private deleteIfStuck({ identity, uid }: ObservedPod): void {
    const { pods, patience, logger } = this.parts;
    const look = async (): Promise<void> => {
      const pod = await this.parts.look(identity);
      if (pod?.uid !== uid || !isStuckInStart(pod)) return;
      logger.warn('a pod does not begin, as its kubelet was interrupted; it is deleted', { pod: pod.name });
      await pods.delete(pod);
    };
    this.looks.later(uid, patience.patienceWithStuckStartsMs ?? PATIENCE_WITH_STUCK_STARTS_MS, look);
  }
}
