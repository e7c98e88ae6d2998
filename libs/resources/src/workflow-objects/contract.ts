import type { KubernetesObject, Workflow } from '#libs/workflow-spec';

/** Which workflow object is meant; another one of the name is none of it. */
export interface WorkflowObjectKey {
  namespace: string;
  name: string;
  uid: string;
}

/** A workflow object as it is on the cluster; one that is followed has of its status the phase and the locks, unless somebody else has written to it. */
export interface WorkflowObject {
  workflow: Workflow;
  key: WorkflowObjectKey;
  /** What the object says about running at all. */
  controls: WorkflowControls;
  /** The same, as it was last taken over into the rows or written from them; undefined where neither happened yet. */
  knownControls: WorkflowControls | undefined;
  /** The version of our rows that its status shows; undefined where the status is not ours, or there is none (an object may be a copy of another). */
  recordVersion: number | undefined;
  /** Grows with every change of the object, by whomever; means nothing but that. */
  resourceVersion: string;
  /** Kubernetes' number of the spec: where it is the same, so is the spec. Without a status subresource it also grows with the status. */
  generation: number | undefined;
  /** The resourceVersion that our last projection was written over: the object had nothing else than that one and what we wrote. */
  writtenOver: string | undefined;
  /** Whose projection was written last, as that says. */
  installation: string | undefined;
  isDeleting: boolean;
  /** The status has a phase, or nodes: a workflow that is to be run again has no phase. */
  hasStatus: boolean;
  /** It had a status of ours, and somebody else has written to it since, or has taken it off; one that is followed has it whole then. */
  isStatusEdited: boolean;
}

/** `spec.suspend` and `spec.shutdown`: what people change in a workflow that runs. */
export interface WorkflowControls {
  suspend: boolean;
  /** '' for none. */
  shutdown: string;
}

/** What happens to workflow objects. `missed`: it was there once and is gone, without a last look at it. */
export type WorkflowObjectEvent =
  /** `isNext`: nothing happened to the object between the last event about it and this one, as nothing was missed. */
  | { type: 'present'; object: WorkflowObject; isNext: boolean }
  | { type: 'deleted' | 'missed'; key: WorkflowObjectKey }
  /** Everything that is there has been told. */
  | { type: 'synced' };

/** The public state of a workflow, to be written to its object. */
export interface WorkflowProjection {
  key: WorkflowObjectKey;
  /** Whose rows they are; absent: not said. */
  installation?: string;
  /** Of our rows; an object that shows this version or a newer one is left as it is. */
  version: number;
  /**
   * Labels and annotations of the state, which are always written (labels of the state that are absent here are taken off), and those that the
   * spec gives the workflow, which are written until the object shows that it has begun: from then on they are people's.
   */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  status: object;
  /** As the rows have it. */
  controls: WorkflowControls;
  /** As it was when the object was taken in. */
  submittedControls: WorkflowControls;
}

/** Argo's controller of the same instance, as long as its lease says that it is alive. */
export interface RivalController {
  /** Who holds the lease. */
  holder: string;
  /** Until when nobody else may act, in milliseconds since the epoch, unless it is renewed. */
  untilMs: number;
}

/** Something to be told as an event of the cluster, beside the workflow. */
export interface WorkflowNotice {
  key: WorkflowObjectKey;
  /** Another object than the workflow, of its namespace, that the event is about. */
  about?: { apiVersion: string; kind: string; name: string };
  /** What it is told of; the same for all who tell the same, of whom one is heard. Absent: each is. */
  occasion?: string;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  annotations?: Record<string, string>;
}

/** Which events of a cluster are meant: those of a namespace ('' for all), by selectors of the API server. */
export interface EventSelection {
  namespace: string;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/**
 * Workflow objects where they are the door for workflows: on a cluster. The user owns their spec, we own their status. Throws the
 * errors of ResourceStore.
 */
export interface WorkflowObjects {
  /** Makes the object; uid and creation time are the cluster's. */
  create(workflow: Workflow): Promise<Workflow>;
  /** Undefined where there is none of this name. */
  find(namespace: string, name: string): Promise<WorkflowObject | undefined>;
  /** Deletes the object; one that is gone, or another of the name, is no error. */
  delete(key: WorkflowObjectKey): Promise<void>;
  /** All objects of this installation and what happens to them, until the signal aborts. */
  follow(options: { signal: AbortSignal; onTrouble?: (error: Error) => void }): AsyncIterable<WorkflowObjectEvent>;
  /** Unfinished objects of this installation that say that they hold locks, as they are now; without their nodes. */
  holders(): AsyncIterable<WorkflowObject>;
  /** `newer`: the object shows this version already, or a later one. `gone`: there is no such object. */
  project(projection: WorkflowProjection): Promise<'written' | 'newer' | 'gone'>;
  /** Takes off the finalizers that hold an object which is being deleted; one without them is left alone. */
  release(key: WorkflowObjectKey): Promise<void>;
  /** Sets one label; an object that is gone, or another of the name, is no error. */
  setLabel(key: WorkflowObjectKey, name: string, value: string): Promise<void>;
  /**
   * Argo's controller of this instance, where it is alive: its Lease `workflow-controller[-instance]` in the namespace that it is installed in
   * has been renewed within its duration. Undefined where there is no such lease, or it was given up.
   */
  rival(controllerNamespace: string, nowMs: number): Promise<RivalController | undefined>;
  /** The values of a label by the names of the namespaces that have it, of those that are looked into. */
  namespaceLabels(label: string): Promise<Record<string, string>>;
  /** Makes the PodDisruptionBudget of a workflow's pods; one that is there already stays. Throws UserError where it is refused, or another one has its name. */
  makeBudget(key: WorkflowObjectKey, budget: KubernetesObject): Promise<void>;
  /** Removes it; one that is gone is no error. */
  removeBudget(key: WorkflowObjectKey): Promise<void>;
  /** At most once: a notice that cannot be told is dropped, as is one whose occasion was told. */
  tell(notice: WorkflowNotice, atMs: number): Promise<void>;
  /** The selected events as the cluster has them: those that are there, then new ones and changed ones, until the signal aborts. */
  events(selection: EventSelection, signal: AbortSignal): AsyncIterable<KubernetesObject>;
}
