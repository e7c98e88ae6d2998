import { identityFromMetadata, type PodManifest } from '#libs/pod-spec';
import type { Artifact, ArtifactLocation } from '#libs/workflow-spec';

import { placeOutput } from '../artifact-location.js';
import { loggedContainers } from '../container-paths.js';
import { OutputError } from '../errors.js';
import { keyedBlock, type LogPlace } from './log-objects.js';

/** The log of a container as an output of its pod, and its place. */
export interface PlacedLog {
  container: string;
  /** As it stands among the outputs of the node. */
  reported: Artifact;
  place: LogPlace;
}

/** Argo's name and key of a container's log. Throws OutputError with Argo's message where no repository is configured. */
export function placeLog(container: string, manifest: PodManifest): PlacedLog {
  const { work, metadata } = manifest;
  const { reported, location } = placeOutput({ name: `${container}-logs` }, work, `${container}.log`);
  return {
    container,
    reported,
    place: {
      location,
      namespace: work.workflowNamespace,
      workflowUid: work.workflowUid,
      nodeId: work.nodeId,
      incarnation: identityFromMetadata(metadata)?.incarnation ?? 1,
    },
  };
}

/** A log as it stands among the outputs of its node, from its full place: the key, and nothing that is borrowed from the repository. */
export function reportedLog(container: string, location: ArtifactLocation): Artifact {
  const block = keyedBlock(location);
  return { name: `${container}-logs`, ...(block === undefined ? {} : { [block.kind]: { [block.field]: block.key } }) };
}

/** The logs that are kept of a pod and can be shipped in segments; none where logs are not archived, or lie where nothing can be put beside them. */
export function keptLogs(manifest: PodManifest): PlacedLog[] {
  const { work } = manifest;
  if (!work.archiveLogs || work.task !== undefined) return [];
  try {
    return loggedContainers(manifest)
      .map((container) => placeLog(container, manifest))
      .filter(({ place }) => keyedBlock(place.location) !== undefined);
  } catch (error) {
    if (error instanceof OutputError) return [];
    throw error;
  }
}
