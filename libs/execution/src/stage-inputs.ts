import { chmod, lstat, opendir } from 'node:fs/promises';
import path from 'node:path';

import type { PodWork } from '#libs/pod-spec';
import { TransientError, type Artifact } from '#libs/workflow-spec';

import { inputLocation, isSupplied } from './artifact-location.js';
import { StagingError } from './errors.js';
import type { ArtifactTransfer, PodFiles } from './pod-files.js';

/**
 * Puts every input artifact at its path. An optional one that was not supplied, or is not in the store, is left out. Each is
 * built beside its target and renamed, so repeating after a crash gives the same files.
 */
export async function stageInputs(work: PodWork, files: PodFiles, transfer: ArtifactTransfer): Promise<void> {
  for (const artifact of work.inputArtifacts) await stageInput(artifact, { work, files, transfer });
}

interface StagingScope {
  work: PodWork;
  files: PodFiles;
  transfer: ArtifactTransfer;
}

async function stageInput(artifact: Artifact, { work, files, transfer }: StagingScope): Promise<void> {
  if (!isSupplied(artifact)) {
    if (artifact.optional === true) return;
    throw new StagingError(`required artifact '${artifact.name}' not supplied`);
  }
  const containerPath = inputPath(artifact);
  try {
    const hostPath = await files.stagePath(containerPath);
    const request = { location: inputLocation(artifact, work), namespace: work.workflowNamespace, hostPath };
    const outcome = await transfer.load({ ...request, ...(artifact.archive === undefined ? {} : { archive: artifact.archive }) });
    if (outcome === 'missing') {
      if (artifact.optional === true) return;
      throw new StagingError(`artifact ${artifact.name} failed to load: the object does not exist`);
    }
    if (artifact.mode !== undefined) await setMode(hostPath, artifact.mode, artifact.recurseMode === true);
  } catch (error) {
    if (error instanceof TransientError || error instanceof StagingError || !(error instanceof Error)) throw error;
    throw new StagingError(`artifact ${artifact.name} failed to load: ${error.message}`, { cause: error });
  }
}

function inputPath(artifact: Artifact): string {
  const containerPath = path.posix.normalize(artifact.path ?? '');
  if (!path.posix.isAbsolute(containerPath) || containerPath === '/') {
    throw new StagingError(
      `artifact ${artifact.name} failed to load: ${JSON.stringify(artifact.path ?? '')} is not a path in the container`,
    );
  }
  return containerPath.replace(/\/$/, '');
}

/** Sets the permission bits of a file or folder, and of all below it where `recurse`; links are left alone. */
async function setMode(hostPath: string, mode: number, recurse: boolean): Promise<void> {
  const found = await lstat(hostPath);
  if (found.isSymbolicLink()) return;
  if (recurse && found.isDirectory()) {
    for await (const entry of await opendir(hostPath)) await setMode(path.join(hostPath, entry.name), mode, true);
  }
  await chmod(hostPath, mode & 0o777);
}
