import type { PodManifest } from '#libs/pod-spec';
import type { Outputs } from '#libs/workflow-spec';

/**
 * The files of one pod, seen from the host. Paths are absolute paths as the container sees them; `..` and symbolic links are
 * resolved inside the pod, so that no path leads to a file of the host that the container could not read itself.
 */
export interface PodFiles {
  /**
   * Host path at which a file or folder is to be made so that the container finds it at `containerPath`. The parent folders
   * exist when the promise resolves; what stands at the path itself may have to be removed by the caller. Only before the start.
   */
  stagePath(containerPath: string): Promise<string>;
  /** Host path of the file or folder that the ended container left at `containerPath`; null where there is none. */
  capturedPath(containerPath: string): Promise<string | null>;
  /** The last `maxBytes` bytes of what `main` wrote to its standard output. */
  stdoutTail(maxBytes: number): Promise<Buffer>;
  /** All that a container printed (standard output and error), from the beginning. */
  readLog(container: string): AsyncIterable<Uint8Array>;
  /** When the log grew: up to `endByte` it was there at `atMs`. In the order of its bytes; absent where nobody notes it. */
  logTimes?(container: string): Iterable<{ endByte: number; atMs: number }>;
}

/** How `main` ended. A program ended by signal n has the exit code 128 + n. */
export interface PodExit {
  exitCode: number;
  startedAtMs: number;
  finishedAtMs: number;
  /** Argo's message for the end, absent where the exit code is 0. */
  message?: string;
}

export interface CaptureResult {
  /** Parameters, artifacts (with their final location) and result; without `exitCode`, which the runtime knows. */
  outputs: Outputs;
  /** What is missing or failed, in Argo's words; the node then ends in Error although `main` may have ended well. */
  error?: string;
}

/**
 * What happens around `main` where no executor runs inside the pod: inputs before it, outputs after it. Given to a runtime by
 * wiring. Both may be repeated for the same pod after a crash, and overwrite what the first attempt left. A TransientError
 * (store away) is tried again by the runtime with growing pauses, for as long as it takes; a UserError ends the node in Error
 * with its message.
 */
export interface PodStaging {
  /** Puts `manifest.work.inputArtifacts` where the container expects them. The script source is staged by the runtime itself. */
  stage(manifest: PodManifest, files: PodFiles): Promise<void>;
  /** Reads result, output parameters, artifacts and logs as `manifest.work` asks; also after a failure of `main`. */
  capture(manifest: PodManifest, files: PodFiles, exit: PodExit): Promise<CaptureResult>;
}

/** True where something has to be brought into the pod by `PodStaging.stage`. */
export function needsStaging(manifest: PodManifest): boolean {
  return manifest.work.inputArtifacts.length > 0;
}

/** True where something has to be read from the ended pod by `PodStaging.capture`. */
export function needsCapture(manifest: PodManifest): boolean {
  const { work } = manifest;
  return work.captureResult || work.archiveLogs || work.outputParameters.length > 0 || work.outputArtifacts.length > 0;
}
