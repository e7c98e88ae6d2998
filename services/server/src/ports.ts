import type { ArtifactDrivers } from '#libs/artifacts';
import type { JobQueue } from '#libs/jobs';
import type { BrokerParts } from '#libs/program';
import type { ControllerConfigState, ResourceStore, WorkflowObjects } from '#libs/resources';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { RequestHandler } from 'express';
import type { ServerConfig } from './server.config.js';

/** Seams of the server: what it asks of the rest, in its own words. `app.module.ts` and whoever composes programs wire them. */

/** What the server asks of the program's log; `error` values are written without their secrets by whoever implements it. */
export interface ServerLogger {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** A pod whose log is asked for, and the host that runs or ran it. */
export interface LoggedPod {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
  podName: string;
  host: string;
}
export interface PodLogLine {
  /** Milliseconds since 1970. */
  atMs: number;
  text: string;
  /** Where the line ends in what the container printed; absent where the runtime does not know. */
  endByte?: number | undefined;
}
export interface PodLogOptions {
  container: string;
  follow: boolean;
  tailLines?: number;
  sinceMs?: number;
  signal: AbortSignal;
}
/**
 * Live logs of pods: the runtime itself where it is in this process, the pod-manager of the pod's host otherwise. `undefined` where the
 * pod is not known there (any more): the archived log is the answer then. TransientError where the host cannot be reached.
 */
export interface PodLogSource {
  lines(pod: LoggedPod, options: PodLogOptions): Promise<AsyncIterable<PodLogLine> | undefined>;
}
export const POD_LOG_SOURCE = Symbol('PodLogSource');

export const ARTIFACT_DRIVERS = Symbol('ArtifactDrivers');

/** What nearly every feature needs besides the store. */
export interface ServerContext {
  /** The controller's ConfigMap as it is now; absent where nobody watches it. */
  controllerConfig?: { state(): ControllerConfigState } | undefined;
  /** What a look at the installation needs beside the rest; absent: these parts are not looked at. */
  checkup?:
    | {
        queueIsReady(): Promise<boolean>;
        /** What of the queue's own settings loses hints; undefined where nothing does, or it does not say. */
        queueProblem(): Promise<string | undefined>;
        controllerNamespace: string;
      }
    | undefined;
  /** Workflow objects, on a cluster the only door for workflows; absent: there is no cluster. */
  objects?: WorkflowObjects | undefined;
  config: ServerConfig;
  clock: Clock;
  queue: JobQueue;
  logger: ServerLogger;
}
export const SERVER_CONTEXT = Symbol('ServerContext');
export const RESOURCE_STORE = Symbol('ResourceStore');

/** What the artifact broker needs beside the drivers. */
export const BROKER_PARTS = Symbol('BrokerParts');

/** Everything that the server is wired from. */
export interface ServerPorts extends ServerContext {
  store: Store;
  resources: ResourceStore;
  artifacts: ArtifactDrivers;
  podLogs: PodLogSource;
  /** Absent: no pod is lent anything. */
  broker?: BrokerParts | undefined;
  /** The queue dashboards; absent: none are served. Mounted at `/queues`, behind the same authentication. */
  queueBoard?: RequestHandler | undefined;
}
