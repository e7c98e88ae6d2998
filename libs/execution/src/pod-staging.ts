import type { PodManifest } from '#libs/pod-spec';

import { captureOutputs, type CaptureResult } from './capture-outputs.js';
import type { ArtifactTransfer, PodExit, PodFiles } from './pod-files.js';
import { stageInputs } from './stage-inputs.js';

/**
 * What happens around `main`: inputs before it, outputs after it. Has the shape of the runtimes' `PodStaging` port. Both
 * methods may be repeated for the same pod and overwrite what an earlier attempt left. TransientError: the store is away, repeat.
 * UserError from `stage`: the node ends in Error with the message.
 */
export interface PodExecution {
  stage(manifest: PodManifest, files: PodFiles): Promise<void>;
  capture(manifest: PodManifest, files: PodFiles, exit: PodExit): Promise<CaptureResult>;
}

/** Stages and captures through the given artifact stores. */
export function createPodExecution(transfer: ArtifactTransfer): PodExecution {
  return {
    stage: (manifest, files) => stageInputs(manifest.work, files, transfer),
    capture: (manifest, files, exit) => captureOutputs({ manifest, files, transfer }, exit),
  };
}
