import type { ArtifactGcReport } from './artifact-gc/gc-report.js';
import type {
  ExecutorPlugin,
  NodeStatus,
  Outputs,
  ReusedNodes,
  Template,
  TTLStrategy,
  Workflow,
  WorkflowDefaults,
  WorkflowPodFields,
  WorkflowSpec,
  WorkflowStatus,
  JsonValue,
  KubernetesObject,
} from '#libs/workflow-spec';

import { memoId, type MemoEntry, type MemoKey } from './memoization/memo-contract.js';
import type { MetricSample, RunningGauge } from './metrics/metric-contract.js';

/**
 * What goes into a decision and what comes out of it: plain data only. The scheduler stores these shapes in tables as they are
 * (`workflow_state.body`, `workflow_nodes.body`, `workflow_inbox.body`), so a change of a shape needs a version (`ENGINE_LEVEL`).
 */

/** Rises when an older engine could not go on with what this one stored. 2: locks, container nodes, claims, hooks, tasks. */
export const ENGINE_LEVEL = 2;

/** A node as a row: parents instead of children, so that a parent of 20,000 children is not rewritten 20,000 times. */
export interface NodeRow {
  id: string;
  /** Ids of the nodes that list this one in `children`, in the order in which they came to. */
  parents: string[];
  /** Order of creation within the workflow, from 0; `children` is rendered in this order. */
  ordinal: number;
  /** The public status without `children`. */
  status: Omit<NodeStatus, 'children'>;
  /** What the engine keeps beside it (attempt counters, waiting state, incarnation of the pod …); opaque to everyone else. */
  internal?: { [key: string]: JsonValue };
}

/** The workflow without its nodes: public status fields and the engine's own memory. */
export interface WorkflowHeader {
  engineLevel: number;
  status: Omit<WorkflowStatus, 'nodes' | 'compressedNodes' | 'offloadNodeStatusVersion'>;
  /** Labels and annotations that the engine adds to the Workflow object (phase, completed, pod-name-format …). */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Where a person has changed labels and annotations of the object since it was submitted: new values; null where one was taken off. */
  edited?: EditedMetadata;
  /** Set by requests; override the submitted spec. */
  suspend?: boolean;
  shutdown?: 'Stop' | 'Terminate';
  /** Opaque to everyone else. */
  internal: { [key: string]: JsonValue };
}

/** Changes on top of submitted labels and annotations. */
export interface EditedMetadata {
  labels: Record<string, string | null>;
  annotations: Record<string, string | null>;
}

/** What a runtime saw of one pod. A report counts only if `nodeId` and `incarnation` are those that the engine ordered last. */
export interface PodReport {
  nodeId: string;
  incarnation: number;
  /** Later phases win: Pending < Running < Succeeded | Failed | Gone. */
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Gone';
  /** Ready to be used, for daemons. */
  ready?: boolean;
  /** Argo's own words for what happened (`main: Error (exit code 1)`, `Pod was active on the node longer than the specified deadline`). */
  message?: string;
  /** True where the failure is not that of the user's container (Argo's phase Error instead of Failed). */
  infrastructure?: boolean;
  /** Kubernetes' reason where the pod failed before `main` began (`Evicted`, `NodeShutdown` …). */
  neverBegan?: string;
  /** Exit code of `main`. */
  exitCode?: number;
  outputs?: Outputs;
  podIP?: string;
  hostNodeName?: string;
  /** Milliseconds since the epoch. */
  startedAtMs?: number;
  finishedAtMs?: number;
  progress?: string;
  resourcesDuration?: Record<string, number>;
  /** The members of a container set; runtimes leave it out for other pods. */
  containers?: ContainerReport[];
}

/** How one container of a pod is doing. */
export interface ContainerReport {
  name: string;
  phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  exitCode?: number;
  /** Argo's words for a Container node; without it `Error (exit code N): `. */
  message?: string;
  /** Milliseconds since the epoch. */
  startedAtMs?: number;
  finishedAtMs?: number;
}

/** What a person or a program asks of a running or finished workflow. `requestId` repeats safely. */
export type WorkflowRequest =
  | { type: 'suspend' }
  /** `spec.suspend` was taken back in the object: the workflow goes on, its suspended nodes do not. */
  | { type: 'unsuspend' }
  | { type: 'resume'; nodeFieldSelector?: string; user?: string }
  | { type: 'stop'; nodeFieldSelector?: string; message?: string; user?: string }
  | { type: 'terminate' }
  | { type: 'set'; nodeFieldSelector?: string; message?: string; phase?: string; outputParameters?: string; user?: string }
  /** The object's spec is another one now. Takes effect where it is read next; what has begun stays. `digest` tells it from others. */
  | { type: 'edit'; spec: WorkflowSpec; digest: string }
  /** `spec.ttlStrategy` of the object of a workflow that has ended, or runs a template's spec, is another one now; null: there is none. */
  | { type: 'ttl'; strategy: TTLStrategy | null }
  /** A person has changed labels or annotations of the object: all that it has now, those of its state included. */
  | { type: 'relabel'; labels: Record<string, string>; annotations: Record<string, string> }
  /** Somebody else has written the object's status, as Argo's server and command line do: what that asks for is done, and what is so shown again. */
  | { type: 'restate'; found: FoundStatus }
  | { type: 'retry'; restartSuccessful?: boolean; nodeFieldSelector?: string; parameters?: string[] }
  | { type: 'delete'; force?: boolean };

/** What of a status that somebody else has written can ask for something. */
export interface FoundStatus {
  /** Suspended nodes. */
  suspensions: { id: string; phase: string; message?: string; outputs: Record<string, string> }[];
  /** Present where it shows a workflow that has ended as one that has not: it is to be run again, without what is left out here. */
  reopened?: {
    nodeIds: string[];
    /** Of `spec.arguments`. */
    parameters: Record<string, string>;
  };
}

export type InboxEntry =
  | { id: string; kind: 'pod'; report: PodReport }
  | { id: string; kind: 'request'; requestId: string; request: WorkflowRequest }
  /** What became of the locks that were asked for. */
  | { id: string; kind: 'lock'; answer: LockAnswer }
  /** How far the deletion of its artifacts is. */
  | { id: string; kind: 'artifactGc'; report: ArtifactGcReport }
  /** The workflow may run now, or too many others run. */
  | { id: string; kind: 'admission'; admitted: boolean }
  /** Nothing but a reason to look again (a slot or a lock became free, a fact changed). */
  | { id: string; kind: 'poke' };

/** A lock as Argo shows it: `argo/Mutex/x`, `argo/ConfigMap/config/key`, `argo/Database/key`. */
export interface LockSign {
  shown: string;
  kind: 'mutex' | 'semaphore';
}

/** A lock that is asked for. */
export interface WantedLock extends LockSign {
  /** The same for all who compete for it. */
  name: string;
  /** Most holders, as it was read for this decision. */
  limit: number;
  /** Where the limit is read again; absent where it cannot change. */
  source?: LimitKey;
}
export type LimitKey = Extract<FactKey, { kind: 'configMapKey' | 'syncLimit' }>;

/**
 * `granted`: all locks of the claim are held. `waiting`: this one is in the way; `free` of `limit` are not taken, `holders` (Argo's names,
 * not all of them) have the others. An answer counts only for the attempt that was made last.
 */
export type LockAnswer = { holder: string; attempt: number } & (
  | { outcome: 'granted'; locks: LockSign[] }
  | { outcome: 'waiting'; lock: LockSign & { name: string }; free: number; limit: number; holders: string[] }
);

/** A thing outside of the workflow that a decision needs. The scheduler loads it and decides again. */
export type FactKey =
  | { kind: 'workflowTemplate'; namespace: string; name: string }
  | { kind: 'clusterWorkflowTemplate'; name: string }
  | { kind: 'configMapKey'; namespace: string; name: string; key: string }
  /** The limit of a database semaphore, as text. */
  | { kind: 'syncLimit'; namespace: string; key: string }
  /** What is remembered of a node's outputs. */
  | ({ kind: 'memo' } & MemoKey)
  /** The repository that a workflow refers to, or its namespace's default. */
  | { kind: 'artifactRepository'; namespace: string; configMap?: string; key?: string }
  /** The newest successful workflow with this label. */
  | { kind: 'baseline'; namespace: string; label: string; value: string };

/** `null`: looked up, and it does not exist. */
export type FactValue =
  | { kind: 'template'; spec: WorkflowSpec }
  | { kind: 'text'; value: string }
  /** `problem`: why the cache cannot be used. */
  | { kind: 'memo'; entry: MemoEntry }
  | { kind: 'memo'; problem: string }
  | { kind: 'repository'; reference: RepositoryReference; repository: ArtifactRepository }
  /** `problem`: why what is there cannot be used. */
  | { kind: 'repository'; problem: string }
  /** Seconds that an earlier run took, as a whole and its nodes by their names after the workflow's own. */
  | { kind: 'baseline'; seconds: number; nodeSeconds: Record<string, number> }
  | null;

/** Which entry of which ConfigMap a repository came from; `namespace` is the ConfigMap's. */
export interface RepositoryReference {
  configMap: string;
  key: string;
  namespace: string;
}

/** Loaded facts by `factId(key)`. */
export type Facts = ReadonlyMap<string, FactValue>;

export const factId = (key: FactKey): string => {
  switch (key.kind) {
    case 'clusterWorkflowTemplate':
      return `cwft/${key.name}`;
    case 'workflowTemplate':
      return `wft/${key.namespace}/${key.name}`;
    case 'configMapKey':
      return `cm/${key.namespace}/${key.name}/${key.key}`;
    case 'syncLimit':
      return `limit/${key.namespace}/${key.key}`;
    case 'memo':
      return memoId(key);
    case 'artifactRepository':
      return `repository/${key.namespace}/${key.configMap ?? ''}/${key.key ?? ''}`;
    case 'baseline':
      return `baseline/${key.namespace}/${key.label}=${key.value}`;
  }
};

/** What is constant for all decisions of one engine instance. */
export interface EngineConfig {
  /** Where artifacts without a location go, and how their keys are made. Null: none configured. */
  artifactRepository: ArtifactRepository | null;
  /** Argo's default; `v1` uses node ids as pod names. */
  podNames: 'v1' | 'v2';
  /** `transientErrorPattern`: a Go regular expression for messages of errors that pass by themselves, beside the known ones. `hostNameLabel`: default `kubernetes.io/hostname`. */
  retry?: { transientErrorPattern?: string; hostNameLabel?: string };
  /** Argo's `failedPodRestart`: how often the pod of a node is made anew that failed before it began. Absent: never. */
  failedPodRestart?: { maxRestarts: number };
  /** What a workflow that begins now gets where neither it nor its template says anything: Argo's `workflowDefaults`. */
  workflowDefaults?: WorkflowDefaults;
  /** Argo's `workflowRestrictions.templateReferencing`: only workflows run that name a WorkflowTemplate. */
  templateReferencing?: 'Strict' | 'Secure';
  /** Fields of a spec that workflows may say themselves under `templateReferencing`, beside Argo's own list of them. */
  userOverrideAllowlist?: readonly string[];
  /** How long ended pods are kept where `podGC` names no delay; absent: not at all. */
  podDeleteDelayMs?: number;
}
export interface ArtifactRepository {
  /** The location block without its key, for example `{ s3: { bucket, endpoint } }` or `{ filesystem: {} }`. */
  location: { [driver: string]: JsonValue };
  /** Argo's `keyFormat`; default `{{workflow.name}}/{{pod.name}}`. */
  keyFormat?: string;
  archiveLogs?: boolean;
}

/** Everything a pod needs to be built, resolved: no tag is left in the template. */
export interface PodOrder {
  nodeId: string;
  nodeName: string;
  incarnation: number;
  podName: string;
  templateName: string;
  template: Template;
  /** Whether stdout of `main` becomes `outputs.result`. */
  captureResult: boolean;
  onExit: boolean;
  /** Milliseconds since the epoch after which the pod must be ended; absent: none. */
  deadlineMs?: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** Key prefix for this pod's artifacts and logs; absent where no repository is configured. */
  archiveKey?: string;
  /** Plugins that the workflow brings along; for plugin templates only. */
  executorPlugins?: ExecutorPlugin[];
  /** What the workflow's spec says of all its pods, tags resolved; absent where it says nothing. */
  podFields?: WorkflowPodFields;
  /** The patches of the workflow and of the template as they were written, with their tags; present where values may fill them in and no more. */
  writtenPatches?: { workflow?: string; template?: string };
  /** Where this pod's artifacts and logs go: as its template says, else the workflow's repository; absent: there is none. */
  repository?: { [driver: string]: JsonValue };
  /** Whether the log of the pod is kept as an artifact. */
  archiveLogs?: boolean;
  /**
   * The pod may be there already, made by somebody else or under another incarnation. `first`: it is looked for, and made where there is none;
   * `only`: it has been seen running, so it is never made; where it is gone the node ends.
   */
  adopts?: 'first' | 'only';
}

export type Command =
  | { type: 'runPod'; order: PodOrder }
  /** Ask the pod to end: SIGTERM, and SIGKILL after the grace period. Its end is reported as any other. */
  | { type: 'stopPod'; nodeId: string; incarnation: number; reason: 'shutdown' | 'deadline' | 'daemon' }
  /** The pod's end has been taken over; the runtime may forget it according to podGC. */
  | { type: 'deletePod'; nodeId: string; incarnation: number; delayMs?: number }
  /**
   * Makes a PersistentVolumeClaim (the whole object). It stands among the pods under `orderId`: reported Succeeded when it is there, Failed
   * with a message when it cannot be, and removed by `deletePod`.
   */
  | { type: 'createClaim'; orderId: string; incarnation: number; claimName: string; claim: KubernetesObject }
  /**
   * Asks for all of these locks at once, for a node or ('') for the workflow. The answer comes through the inbox. `isHeld`: it has them already,
   * from whoever ran the workflow before, so they are noted without a question and an answer.
   */
  | { type: 'wantLocks'; holder: string; attempt: number; priority: number; locks: WantedLock[]; isHeld?: true }
  /** Gives back what the node or ('') the workflow holds or waits for; `all`: everything of the workflow. */
  | { type: 'releaseLocks'; holder: string; all?: boolean }
  /** Asks to be one of the running workflows; the answer comes through the inbox. */
  | { type: 'wantAdmission'; priority: number }
  /** The workflow does not run any more, or does not want to. */
  | { type: 'leaveAdmission' }
  /** Remember what a node gave, or that it was used. In the commit for tables, right after it for ConfigMaps. */
  | { type: 'saveMemo'; at: MemoKey; entry: MemoEntry }
  /** A metric of the spec has a value; recorded after the commit, so at most once. */
  | { type: 'measure'; sample: MetricSample }
  | { type: 'startGauge'; gauge: RunningGauge }
  | { type: 'endGauge'; id: string }
  /** The workflow has reached its final phase in this decision. */
  | { type: 'finish' };

export interface RequestOutcome {
  requestId: string;
  ok: boolean;
  /** Argo's message and gRPC code where refused. */
  message?: string;
  grpcCode?: number;
  /** The workflow right after the request, before what follows from it; added by who commits, absent where it is large. */
  snapshot?: StateSnapshot;
}

/** The public state of a workflow at one moment: what `renderWorkflow` takes beside the submitted object. */
export interface StateSnapshot {
  header: WorkflowHeader;
  nodes: NodeRow[];
}

export interface Decision {
  /** Absent where nothing of it changed. */
  header?: WorkflowHeader;
  /** Nodes to insert or replace. */
  nodes: NodeRow[];
  /** Nodes to remove (manual retry only). */
  removedNodeIds: string[];
  commands: Command[];
  outcomes: RequestOutcome[];
  /** Inbox ids that are used up. */
  consumed: string[];
  /** Facts that were missed. The rest of the decision stands; give the facts and decide again before committing. */
  missing: FactKey[];
  /** When to look again even if nothing happens; null: never. */
  nextWakeAtMs: number | null;
  /** True where the decision was cut because it grew large: commit it and decide again at once. */
  more: boolean;
}

export interface DecideInput {
  inbox: readonly InboxEntry[];
  facts: Facts;
  nowMs: number;
  /** Most nodes one decision may create or change before it is cut (`more`); default 500. */
  maxChanges?: number;
  /** Whether a limit on running workflows is in force for this one: then it asks before it begins. */
  isAdmissionLimited?: boolean;
}

/** The submitted object as the engine is given it: metadata with name, namespace, uid, creationTimestamp, and the spec. */
export type SubmittedWorkflow = Pick<Workflow, 'metadata' | 'spec'> & {
  /** What of an earlier run is not repeated. */
  reuse?: ReusedNodes;
};
