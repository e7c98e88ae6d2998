import type { Command, Decision, EngineConfig, FactValue, NodeRow, PodOrder, WorkflowRequest, WorkflowState } from '#libs/engine';
import type { TypedObject, Workflow } from '#libs/workflow-spec';
import type { PlayedPod } from './sim-pod.js';
import type { FoundPod } from './simulated-pods.js';

/** How a run is played; everything left out is as calm as can be. */
export interface SimulationOptions {
  /** Templates, ConfigMaps and the like that exist beside the workflow. */
  others?: readonly TypedObject[];
  /** What is known beside them, by `factId`. */
  facts?: ReadonlyMap<string, FactValue>;
  /** Order of events that are due at the same time; without it the order in which pods were ordered. */
  seed?: number;
  /** Forgets the state in memory before every decision and makes it anew from the rows. */
  forgetful?: boolean;
  /** Decides now here and now in a second replica, as the seed says; each reads only what the other has stored since. */
  replicas?: boolean;
  /** Loses every n-th decision before it is stored, as a crash would, and decides again from the rows. */
  losingEvery?: number;
  /** Decides once more with nothing new after every decision; throws where that changes anything. */
  decidingTwice?: boolean;
  /** Gives every report twice, and one of a pod that never was. */
  repeating?: boolean;
  /** Gives each pod's events one by one, also those that are due at once. */
  oneByOne?: boolean;
  /** Tells of a pod only how it ended, and when it began; daemons say that they run. */
  endsOnly?: boolean;
  maxChanges?: number;
  config?: Partial<EngineConfig>;
  /** Requests by the moment at which they are made, in milliseconds after the start. */
  requests?: readonly { atMs: number; request: WorkflowRequest }[];
  /** Called with every decision, before it is taken over. */
  onDecision?: (decision: Decision, state: WorkflowState) => void;
  /** Other workflows that hold locks at first: one permit of the lock of this name each, until so long after the start. */
  lockedByOthers?: readonly { lock: string; untilMs: number }[];
  /** Limits of database semaphores by `<namespace>/<key>`. */
  syncLimits?: Readonly<Record<string, number>>;
  /** The workflow has to be admitted, and is so long after the start. */
  admittedAfterMs?: number;
  /** How a pod ends; the default plays the arguments of the image `sim`. */
  play?: (order: PodOrder) => PlayedPod;
  /** Most decisions before the run is given up. */
  mostDecisions?: number;
  /** Begins with an object that was found with a status, and with the pods that were there. */
  found?: { workflow: Workflow; pods: readonly FoundPod[] };
  /**
   * Loses memory and rows in front of this decision, and begins again from the status as it was shown so many decisions before (default 0);
   * the pods are those of before. `maxChanges`: where the decisions that take the status up again are cut.
   */
  lost?: { atDecision: number; behind?: number; maxChanges?: number };
}

/** What a run left behind. */
export interface SimulatedRun {
  workflow: Workflow;
  decisions: number;
  ended: boolean;
  commands: Command[];
  rows: Map<string, NodeRow>;
  /** How often a pod was made for each node; adopted ones do not count. */
  made: ReadonlyMap<string, number>;
}
