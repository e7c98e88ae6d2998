import type { PodOrder } from '#libs/engine';
import type { Artifact, KubernetesObject, ObjectMeta, Parameter } from '#libs/workflow-spec';

import type { TaskOrder } from './task-order.js';

/**
 * A Kubernetes Pod object (apiVersion v1) as the real controller would make it, plus what stands beside it: the work of the
 * executor in a form that a runtime without a cluster can play. Built without I/O; every runtime translates the same object.
 */
export interface PodManifest {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: ObjectMeta;
  spec: KubernetesObject;
  /** What has to be staged before `main` and captured after it. */
  work: PodWork;
}

export interface PodWork {
  workflowName: string;
  workflowNamespace: string;
  workflowUid: string;
  nodeId: string;
  /** Work that is done without containers; `spec` has none then. */
  task?: TaskOrder;
  /** A network namespace of its own, without any way out; absent: what the runtime gives every pod. */
  network?: 'own';
  /** A PersistentVolumeClaim to be made instead of a pod: the whole object. `spec` has no containers then. */
  claim?: KubernetesObject;
  /** The pod may be there already; see PodOrder.adopts. */
  adopts?: 'first' | 'only';
  /** Why no pod can be made of its order; whoever is to make it reports this as the node's error. */
  refusal?: string;
  /** Containers whose end decides the pod; absent in rows of older versions, which have `main` alone. */
  mainContainers?: string[];
  /** Containers of `spec` that are markers for our executor (`init`, `wait`); who stages and captures itself leaves them out. */
  executorContainers?: string[];
  /** Container sets only: the members in their order, and whom each waits for. */
  containerGraph?: ContainerGraphNode[];
  /** Container sets only: how often a member's program is started again within its container. */
  containerRetry?: ContainerRetry;
  /** A daemon: ready means done for the workflow, and it is ended from outside. */
  daemon?: boolean;
  /** Script source, staged at /argo/staging/script and given as the last argument. */
  scriptSource?: string;
  inputArtifacts: Artifact[];
  outputParameters: Parameter[];
  outputArtifacts: Artifact[];
  captureResult: boolean;
  archiveLogs: boolean;
  /** Key prefix for artifacts and logs; absent where no repository is configured. */
  archiveKey?: string;
  /** Location block of the repository, without key. */
  repository?: KubernetesObject;
  deadlineMs?: number;
  terminationGracePeriodSeconds: number;
}

/** A container of a set; it starts when all its dependencies have ended with 0. */
export interface ContainerGraphNode {
  name: string;
  dependencies: string[];
}
/** Restarts of a program after an end other than 0, `durationMs` apart. */
export interface ContainerRetry {
  retries: number;
  durationMs: number;
}

export interface BuildPodInput {
  order: PodOrder;
  workflow: { name: string; namespace: string; uid: string };
  /** Location block of the repository, without key; absent where none is configured. */
  repository?: KubernetesObject;
  archiveLogs: boolean;
  /** Value of `workflows.argoproj.io/controller-instanceid`; absent for none. */
  instanceId?: string;
}
