import type { PodManifest } from '#libs/pod-spec';
import { UserError } from '#libs/workflow-spec';

import type { PodObservation } from './contract.js';
import { type CaptureResult, needsCapture, type PodExit, type PodFiles, type PodStaging } from './staging.js';

/** How a pod ended, and what reads its outputs. */
export interface PodEnd {
  manifest: PodManifest;
  files: PodFiles;
  staging: PodStaging;
  exit: PodExit;
  /** Repeats while the store is away. */
  patiently: (attempt: () => Promise<CaptureResult>) => Promise<CaptureResult>;
}

/**
 * The last observation of a pod: outputs are captured after failures too, and a failed capture of a program that ended well is
 * an Error of the node and no failure of the program.
 */
export async function endReport({
  manifest,
  files,
  staging,
  exit,
  patiently,
}: PodEnd): Promise<Omit<PodObservation, 'identity'>> {
  const captured = await capture({ manifest, files, staging, exit, patiently });
  const message = exit.message ?? captured.error;
  return {
    phase: message === undefined ? 'Succeeded' : 'Failed',
    exitCode: exit.exitCode,
    startedAtMs: exit.startedAtMs,
    finishedAtMs: exit.finishedAtMs,
    outputs: captured.outputs,
    ...(message === undefined ? {} : { message }),
    ...(exit.message === undefined && captured.error !== undefined ? { infrastructure: true } : {}),
  };
}

async function capture({ manifest, files, staging, exit, patiently }: PodEnd): Promise<CaptureResult> {
  if (!needsCapture(manifest)) return { outputs: {} };
  try {
    return await patiently(() => staging.capture(manifest, files, exit));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { outputs: {}, error: error.message };
  }
}
