import type { PodWork } from '#libs/pod-spec';
import type { Artifact, ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import { OutputError } from './errors.js';

/** Blocks that name a place, with the field that holds the key; null where the driver has none. */
const KEY_FIELDS: { [driver: string]: string | null } = {
  s3: 'key',
  filesystem: 'key',
  gcs: 'key',
  oss: 'key',
  azure: 'blob',
  hdfs: 'path',
  artifactory: 'url',
  http: 'url',
  plugin: 'key',
  raw: null,
  git: null,
};
/** Fields of a repository that say how keys are made; no artifact borrows them. */
const KEY_MAKING_FIELDS = new Set(['keyFormat', 'keyPrefix', 'blobNameFormat', 'pathFormat', 'repoURL']);

type Blocks = { [driver: string]: KubernetesObject | undefined };

/** An artifact as it is reported (with the key that was chosen, nothing borrowed) and the full place it is moved to or from. */
export interface PlacedArtifact {
  reported: Artifact;
  location: ArtifactLocation;
}

/** The driver block's name, or undefined where the artifact names no place. */
export function driverOf(artifact: Artifact | ArtifactLocation): string | undefined {
  const blocks = artifact as Blocks;
  return Object.keys(KEY_FIELDS).find((driver) => blocks[driver] !== undefined && blocks[driver] !== null);
}

/** Where an input is read from: its own place, or its key in the repository of the workflow (Argo v4.1 `Relocate`). */
export function inputLocation(artifact: Artifact, work: PodWork): ArtifactLocation {
  const driver = driverOf(artifact);
  return driver === undefined ? {} : relocated(driver, (artifact as unknown as Blocks)[driver] ?? {}, work);
}

/**
 * Where an output goes: its own place; its own key in the repository; or, without any, `<archive key>/<file name>` in the
 * repository (Argo v4.1 `saveArtifactFromFile`). Throws OutputError with Argo's message where no repository is configured.
 */
export function placeOutput(artifact: Artifact, work: PodWork, fileName: string): PlacedArtifact {
  const driver = driverOf(artifact);
  if (driver !== undefined && hasKey(artifact, driver)) {
    return { reported: artifact, location: relocated(driver, (artifact as unknown as Blocks)[driver] ?? {}, work) };
  }
  const repository = work.repository ?? {};
  const [lent] = Object.keys(KEY_FIELDS).filter((name) => repository[name] !== undefined && repository[name] !== null);
  const field = lent === undefined ? undefined : KEY_FIELDS[lent];
  if (lent === undefined || field === undefined || field === null || work.archiveKey === undefined) {
    throw new OutputError(
      'You need to configure artifact storage. More information on how to do this can be found in the docs: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/',
    );
  }
  const block = { [field]: `${work.archiveKey}/${fileName}` };
  const reported = { ...artifact, [lent]: block };
  return { reported, location: relocated(lent, block, work) };
}

/** Marks an object as belonging to this workflow, so that garbage collection never deletes what another one has put there. */
export function ownershipMark(work: PodWork): Record<string, string> {
  return { 'workflow-uid': work.workflowUid, 'node-id': work.nodeId };
}

function hasKey(artifact: Artifact, driver: string): boolean {
  const field = KEY_FIELDS[driver];
  if (field === null) return true;
  const value = field === undefined ? undefined : (artifact as unknown as Blocks)[driver]?.[field];
  return typeof value === 'string' && value !== '';
}

function relocated(driver: string, own: KubernetesObject, work: PodWork): ArtifactLocation {
  const lent = work.repository?.[driver];
  const field = KEY_FIELDS[driver];
  const isKeyOnly = typeof field === 'string' && Object.keys(own).every((name) => name === field);
  if (!isKeyOnly || lent === undefined || lent === null || typeof lent !== 'object' || Array.isArray(lent))
    return { [driver]: own };
  const borrowed = Object.fromEntries(Object.entries(lent).filter(([name]) => !KEY_MAKING_FIELDS.has(name)));
  return { [driver]: { ...borrowed, ...own } };
}
