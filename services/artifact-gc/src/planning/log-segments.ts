import { keyOf, withKey } from '#libs/artifacts';
import type { Artifact, ArtifactLocation } from '#libs/workflow-spec';

/** Where the segments of a log lie that nobody has made whole (its host died): the folder beside it. Undefined for what is no log. */
export function logSegmentsOf(artifact: Artifact, location: ArtifactLocation): ArtifactLocation | undefined {
  const key = keyOf(location) ?? '';
  return artifact.name.endsWith('-logs') && key.endsWith('.log') ? withKey(location, `${key}.segments`) : undefined;
}
