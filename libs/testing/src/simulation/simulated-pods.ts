import type { InboxEntry, PodOrder, PodReport } from '#libs/engine';
import { playPod, type PlayedPod } from './sim-pod.js';

type Play = (order: PodOrder) => PlayedPod;
type Tell = (atMs: number, entry: Omit<Extract<InboxEntry, { kind: 'pod' }>, 'id'>) => void;

/** A pod that somebody else has made. `ended`: how it has; absent: it runs, or is about to, and is played. */
export interface FoundPod {
  nodeId: string;
  ended?: Omit<PodReport, 'nodeId' | 'incarnation'>;
}

/** How a pod goes on is settled when it is made. */
interface MadePod {
  played: PlayedPod;
  startedAtMs: number;
}

const FAILED_BY_SIGNAL = { phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' } as const;

/** Pods of virtual time: each is played once, and those that are there when everything else is lost are adopted by their nodes. */
export class SimulatedPods {
  /** How often a pod was made for each node; adopted ones do not count. */
  readonly made = new Map<string, number>();
  private readonly pods = new Map<string, MadePod>();
  private readonly adoptable = new Map<string, FoundPod | MadePod>();

  constructor(private readonly options: { play?: Play; endsOnly?: boolean; tell: Tell }) {}

  /** Pods of somebody else, which an order for their node adopts. */
  find(pods: readonly FoundPod[]): void {
    for (const pod of pods) this.adoptable.set(pod.nodeId, pod);
  }

  /** Whoever has ordered these pods is gone; the next order for a node finds its pod. */
  orphan(): void {
    for (const [nodeId, pod] of this.pods) this.adoptable.set(nodeId, pod);
  }

  /** Makes the pod, or adopts the one that is there: it goes on as it did, and its reports carry the incarnation of who asks now. */
  run(order: PodOrder, nowMs: number): void {
    const { nodeId, incarnation } = order;
    const there = this.adoptable.get(nodeId);
    this.adoptable.delete(nodeId);
    if (there === undefined && order.adopts === 'only') {
      const gone = { nodeId, incarnation, phase: 'Gone', infrastructure: true, message: 'pod deleted' } as const;
      return this.options.tell(nowMs, { kind: 'pod', report: gone });
    }
    if (there === undefined) this.made.set(nodeId, (this.made.get(nodeId) ?? 0) + 1);
    const pod = there !== undefined && 'played' in there ? there : { played: this.played(order, there), startedAtMs: nowMs };
    this.pods.set(nodeId, pod);
    this.report(pod, order, nowMs);
  }

  /** Its end by a signal, which follows at once. */
  stop({ nodeId, incarnation }: Pick<PodReport, 'nodeId' | 'incarnation'>, nowMs: number): void {
    const report = { nodeId, incarnation, ...FAILED_BY_SIGNAL };
    this.pods.set(nodeId, { played: { report, durationMs: 0 }, startedAtMs: nowMs });
    this.options.tell(nowMs, { kind: 'pod', report: { ...report, finishedAtMs: nowMs } });
  }

  private played(order: PodOrder, found: FoundPod | undefined): PlayedPod {
    const { nodeId, incarnation } = order;
    if (found?.ended === undefined) return (this.options.play ?? playPod)(order);
    return { report: { ...found.ended, nodeId, incarnation }, durationMs: 0 };
  }

  private report({ played, startedAtMs }: MadePod, { nodeId, incarnation }: PodOrder, nowMs: number): void {
    const { report, durationMs, running } = played;
    const begun = this.options.endsOnly === true && running?.ready !== true ? { startedAtMs } : undefined;
    if (begun === undefined) {
      const beginning = { nodeId, incarnation, phase: 'Running', startedAtMs, ...running } as const;
      this.options.tell(Math.max(nowMs, startedAtMs), { kind: 'pod', report: beginning });
    }
    if (running?.ready === true) return;
    const finishedAtMs = startedAtMs + durationMs;
    const end = { ...report, nodeId, incarnation, ...begun, finishedAtMs };
    this.options.tell(Math.max(nowMs, finishedAtMs), { kind: 'pod', report: end });
  }
}
