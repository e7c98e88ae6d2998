import {
  type Artifact,
  type ArtifactDriverKind,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  type ArtifactLocation,
  type KubernetesObject,
  relocatedBlock,
} from '#libs/workflow-spec';

import { ArtifactLocationError, UnsupportedArtifactDriverError } from './errors.js';

/** The only driver block of the location; undefined where there is none. Two blocks: ArtifactLocationError. */
export function driverKindOf(location: Artifact | ArtifactLocation): ArtifactDriverKind | undefined {
  const kinds = artifactDriverKinds(location);
  if (kinds.length > 1) throw new ArtifactLocationError(`the artifact has more than one location: ${kinds.join(', ')}`);
  return kinds[0];
}

/** The object's key in its store, undefined where the location has none (raw, git, a repository without key). */
export function keyOf(location: ArtifactLocation): string | undefined {
  const kind = driverKindOf(location);
  return kind === undefined ? undefined : artifactKeyOf(location, kind);
}

/** The same location with another key. Throws UnsupportedArtifactDriverError where the driver has no keys. */
export function withKey(location: ArtifactLocation, key: string): ArtifactLocation {
  const kind = driverKindOf(location);
  const field = kind === undefined ? undefined : artifactKeyField(kind);
  if (kind === undefined || field === undefined) throw new UnsupportedArtifactDriverError(kind ?? '');
  return { [kind]: { ...location[kind], [field]: key } };
}

/** Only the driver block of an artifact: name, path and the rest are left behind. */
export function locationOf(artifact: Artifact | ArtifactLocation): ArtifactLocation {
  const kind = driverKindOf(artifact);
  return kind === undefined ? {} : { [kind]: artifact[kind] };
}

/** The full place of an artifact: see `relocatedBlock`. Two blocks: ArtifactLocationError. */
export function relocate(artifact: Artifact | ArtifactLocation, repository: KubernetesObject | undefined): ArtifactLocation {
  const kind = driverKindOf(artifact);
  return kind === undefined ? {} : relocatedBlock(kind, artifact[kind] ?? {}, repository);
}
