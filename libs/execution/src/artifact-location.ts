import path from 'node:path';

import type { PodWork } from '#libs/pod-spec';
import {
  type Artifact,
  type ArtifactDriverKind,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type ArtifactLocation,
  relocatedBlock,
} from '#libs/workflow-spec';

import { OutputError } from './errors.js';

/** An artifact as it is reported (with the key that was chosen, nothing borrowed) and the full place it is moved to or from. */
export interface PlacedArtifact {
  reported: Artifact;
  location: ArtifactLocation;
}

/** The driver block's name, or undefined where the artifact names no place. */
export function driverOf(artifact: Artifact | ArtifactLocation): ArtifactDriverKind | undefined {
  return artifactDriverKinds(artifact)[0];
}

/** Whether an artifact names a place: a block whose key (or URL) is empty names none (Argo v4.1 `HasLocation`). */
export function isSupplied(artifact: Artifact): boolean {
  const driver = driverOf(artifact);
  return driver !== undefined && hasKey(artifact, driver);
}

/** Where an input is read from: its own place, or its key in the repository of the workflow (Argo v4.1 `Relocate`). */
export function inputLocation(artifact: Artifact, work: PodWork): ArtifactLocation {
  const driver = driverOf(artifact);
  return driver === undefined ? {} : relocatedBlock(driver, artifact[driver] ?? {}, work.repository);
}

/**
 * Where an output goes: its own place; its own key in the repository; or, without any, `<archive key>/<file name>` in the
 * repository (Argo v4.1 `saveArtifactFromFile`). Throws OutputError with Argo's message where no repository is configured.
 */
export function placeOutput(artifact: Artifact, work: PodWork, fileName: string): PlacedArtifact {
  const driver = driverOf(artifact);
  if (driver !== undefined && hasKey(artifact, driver)) {
    return { reported: artifact, location: relocatedBlock(driver, artifact[driver] ?? {}, work.repository) };
  }
  const repository = work.repository ?? {};
  const [lent] = artifactDriverKinds(repository);
  const field = lent === undefined ? undefined : artifactKeyField(lent);
  if (lent === undefined || field === undefined || work.archiveKey === undefined) {
    throw new OutputError(
      'You need to configure artifact storage. More information on how to do this can be found in the docs: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/',
    );
  }
  const block = { [field]: `${work.archiveKey}/${fileName}` };
  const reported = { ...artifact, [lent]: block };
  return { reported, location: relocatedBlock(lent, block, work.repository) };
}

/** Marks an object as belonging to this workflow, so that garbage collection never deletes what another one has put there. */
export function ownershipMark(work: PodWork): Record<string, string> {
  return { 'workflow-uid': work.workflowUid, 'node-id': work.nodeId };
}

/** True also for a driver without keys: its block is a whole place. */
function hasKey(artifact: Artifact, driver: ArtifactDriverKind): boolean {
  return artifactKeyField(driver) === undefined || artifactKeyOf(artifact, driver) !== undefined;
}

/** Where an output's file or folder is in the container. */
export function outputPath(artifact: Artifact): string {
  return path.posix.normalize(artifact.path ?? '').replace(/(.)\/$/, '$1');
}

/** The last part of the key of an output that names none, as Argo makes it. */
export function outputFileName(artifact: Artifact): string {
  if (artifact.archive?.none !== undefined) return path.posix.basename(outputPath(artifact));
  return artifact.archive?.zip !== undefined ? `${artifact.name}.zip` : `${artifact.name}.tgz`;
}
