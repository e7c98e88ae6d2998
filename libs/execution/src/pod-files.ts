import type { Readable } from 'node:stream';

import type { ArchiveStrategy, ArtifactLocation } from '#libs/workflow-spec';

import type { LogTimeSample } from './logs/log-times.js';

/**
 * The files of one pod, seen from the host. Container paths are absolute and resolved inside the pod. The shape is that of the
 * runtimes' port of the same name; wiring proves the match.
 */
export interface PodFiles {
  /** Host path at which a file or folder is to be made; parents exist, what stands there is the caller's to remove. */
  stagePath(containerPath: string): Promise<string>;
  /** Host path of what the ended container left; null where there is nothing. */
  capturedPath(containerPath: string): Promise<string | null>;
  /** The last `maxBytes` bytes of the standard output of `main`. */
  stdoutTail(maxBytes: number): Promise<Buffer>;
  /** All that a container printed. */
  readLog(container: string): AsyncIterable<Uint8Array>;
  /** When the log grew, in the order of its bytes; absent where nobody notes it. */
  logTimes?(container: string): Iterable<LogTimeSample>;
}

/** How `main` ended. */
export interface PodExit {
  exitCode: number;
  startedAtMs: number;
  finishedAtMs: number;
  message?: string;
}

/** Where an artifact lies: a full location, and the namespace whose Secrets open it. */
export interface ArtifactPlace {
  location: ArtifactLocation;
  namespace: string;
}

/** Port to the artifact stores: moves files between them and host paths. */
export interface ArtifactTransfer {
  /** Replaces what stands at `hostPath`; `missing` where the store has nothing there. */
  load(request: ArtifactPlace & { hostPath: string; archive?: ArchiveStrategy }): Promise<'loaded' | 'missing'>;
  save(
    request: ArtifactPlace & { hostPath: string; entryName: string; archive?: ArchiveStrategy; metadata: Record<string, string> },
  ): Promise<void>;
  saveBytes(request: ArtifactPlace & { body: Readable; metadata: Record<string, string> }): Promise<void>;
}
