import type { PodManifest, RuntimeAbilities } from '#libs/pod-spec';
import type { KubernetesObject, ObjectMeta, Outputs } from '#libs/workflow-spec';

/** Who a pod is, whatever its name: only a pod with all three equal is "ours, the same". */
export interface PodIdentity {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
}

/** One container of a pod with several that decide its end (a container set), as far as it is known. */
export interface ContainerReport {
  name: string;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** 64: it never ran (a dependency failed, its program is absent), which Argo calls an Error. */
  exitCode?: number;
  /** Argo's words for a Container node: `Error (exit code 1): `. */
  message?: string;
  startedAtMs?: number;
  finishedAtMs?: number;
}

export interface PodObservation {
  identity: PodIdentity;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Gone';
  /** All containers run, and their readiness probes pass. */
  ready?: boolean;
  message?: string;
  infrastructure?: boolean;
  /** Kubernetes' reason where the pod failed before `main` began (`Evicted`, `NodeShutdown` …). */
  neverBegan?: string;
  exitCode?: number;
  outputs?: Outputs;
  podIP?: string;
  hostNodeName?: string;
  startedAtMs?: number;
  finishedAtMs?: number;
  progress?: string;
  resourcesDuration?: Record<string, number>;
  /** Of container sets: their members, in order. */
  containers?: ContainerReport[];
}

/** A volume that outlives pods, by the name of its claim. */
export interface ClaimKey {
  namespace: string;
  name: string;
}
/** Where a pod is said to be. */
export interface PodPlaceHint {
  namespace: string;
  name: string;
}
/** What a claim is made of. */
export interface NewClaim extends ClaimKey {
  spec: KubernetesObject;
  /** Absent: none. The owners count where they are objects beside the claim. */
  metadata?: Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>;
}
export type ClaimOutcome = { type: 'created' } | { type: 'refused'; message: string };

export type CreateOutcome =
  | { type: 'created' }
  /** A pod of this identity is there already (running or ended); its observations follow. */
  | { type: 'adopted' }
  /** No slot or quota now: stays Pending, try again later. `isQuota`: nothing that ends here need ever free it, so the workflow is told. */
  | { type: 'busy'; message: string; isQuota?: true }
  /** Can never run here; the node ends in Error with this message. */
  | { type: 'refused'; message: string };

export interface LogLine {
  container: string;
  /** Milliseconds since the epoch. */
  atMs: number;
  text: string;
  /** Where the line ends in what the container printed, its line break included; absent where the runtime does not know. */
  endByte?: number;
}
/** Bytes as a container printed them. */
export interface LogChunk {
  bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  atMs: number;
  /** Where a reader goes on behind these bytes, in the runtime's own words (ASCII, short); absent where their count says it. */
  bookmark?: string;
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
  /** What its pods can be given, for who takes workflows in. Absent: anything (a cluster), or nobody can say. */
  readonly abilities?: RuntimeAbilities;
  /** Begins observing; observations of pods found are given to `observe`. `observe` resolving means the report is safe in the database. */
  start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void>;
  create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome>;
  /**
   * Makes the pod ours that somebody else, or an earlier incarnation, has made for the node; its observations follow. False where there is none.
   * Absent where a runtime knows no pods but its own.
   */
  takeOver?(identity: PodIdentity, manifest: PodManifest): Promise<boolean>;
  /** Pods that nobody orders are left alone: they go with the object that owns them, or are ordered again when its rows are made anew. */
  readonly keepsStrays?: boolean;
  /** SIGTERM, then SIGKILL after the grace period; the end is observed. No such pod: observed as Gone. `place` spares a runtime a search. */
  terminate(identity: PodIdentity, graceSeconds: number, place?: PodPlaceHint): Promise<void>;
  /** Forgets an ended pod and frees what it held; a running one is killed first. Idempotent. */
  delete(identity: PodIdentity, place?: PodPlaceHint): Promise<void>;
  /** Observes the pod anew (`Gone` where there is none): asked by the sweeper for pods that were silent. */
  inspect(identity: PodIdentity): Promise<void>;
  /** Without a container: that of `main`, or of the first member of a set. */
  logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine>;
  /**
   * All that a container prints from `fromByte` on (or, if there is one, from the bookmark of the chunk that ended there), until it has ended or
   * the signal is given. Absent where a runtime has only lines: who wants bytes then counts a line break for each.
   */
  logBytes?(
    identity: PodIdentity,
    options: { container: string; fromByte: number; bookmark?: string | undefined; signal: AbortSignal },
  ): AsyncIterable<LogChunk>;
  /** Makes the volume of a claim; one that is there already stays as it is. Absent where a runtime has no volumes that outlive pods. */
  createClaim?(claim: NewClaim): Promise<ClaimOutcome>;
  /** Removes the volume of a claim with all that is in it; none there is fine. */
  deleteClaim?(claim: ClaimKey): Promise<void>;
  /**
   * The socket by which a port of a running pod with a network of its own (`work.network`) is reached; asked for anew before each use, as
   * who listens there may have to be started again. Absent where a runtime has no such pods. Throws TransientError where the pod does not run.
   */
  forward?(identity: PodIdentity, port: number): Promise<{ socketPath: string }>;
  /**
   * Where several processes follow the pods of a cluster: from now on this one follows those of these shards (0 to `SHARD_COUNT` - 1). Resolves with true when all
   * of them have been told, with false where another call came first. Absent: it follows all its pods.
   */
  followShards?(shards: readonly number[]): Promise<boolean>;
  /** Whether this process is told what happens to the pod. Absent: always. */
  followsPod?(identity: PodIdentity): boolean;
  /** Where several processes follow the pods of a cluster: deletes what one of them, which is dead, had run for its own use. Absent: such pods end with it. */
  buryHost?(host: string): Promise<void>;
  close(): Promise<void>;
}
