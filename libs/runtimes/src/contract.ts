import type { PodManifest } from '#libs/pod-spec';
import type { Outputs } from '#libs/workflow-spec';

/** Who a pod is, whatever its name: only a pod with all three equal is "ours, the same". */
export interface PodIdentity {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
}

export interface PodObservation {
  identity: PodIdentity;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Gone';
  ready?: boolean;
  message?: string;
  infrastructure?: boolean;
  exitCode?: number;
  outputs?: Outputs;
  podIP?: string;
  hostNodeName?: string;
  startedAtMs?: number;
  finishedAtMs?: number;
  progress?: string;
  resourcesDuration?: Record<string, number>;
}

export type CreateOutcome =
  | { type: 'created' }
  /** A pod of this identity is there already (running or ended); its observations follow. */
  | { type: 'adopted' }
  /** No slot or quota now: stays Pending, try again later. */
  | { type: 'busy'; message: string }
  /** Can never run here; the node ends in Error with this message. */
  | { type: 'refused'; message: string };

export interface LogLine {
  container: string;
  /** Milliseconds since the epoch. */
  atMs: number;
  text: string;
}
export interface LogOptions {
  container?: string;
  follow?: boolean;
  tailLines?: number;
  sinceMs?: number;
  signal?: AbortSignal;
}

/**
 * Makes pods be, and says what they are. Every method may be repeated; none keeps state that a restart would lose: after
 * `start` a runtime finds the pods that it or a predecessor made, and observes them again. Errors thrown are TransientError.
 */
export interface PodRuntime {
  /** `sandbox`, `docker`, `simulated`, `kubernetes`. */
  readonly name: string;
  /** Begins observing; observations of pods found are given to `observe`. `observe` resolving means the report is safe in the database. */
  start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void>;
  create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome>;
  /** SIGTERM, then SIGKILL after the grace period; the end is observed. No such pod: observed as Gone. */
  terminate(identity: PodIdentity, graceSeconds: number): Promise<void>;
  /** Forgets an ended pod and frees what it held; a running one is killed first. Idempotent. */
  delete(identity: PodIdentity): Promise<void>;
  /** Observes the pod anew (`Gone` where there is none): asked by the sweeper for pods that were silent. */
  inspect(identity: PodIdentity): Promise<void>;
  logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine>;
  close(): Promise<void>;
}
