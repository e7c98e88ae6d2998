import type { Artifact, ArtifactLocation, JsonValue, KubernetesObject } from '#libs/workflow-spec';

import { ArtifactLocationError, UnsupportedArtifactDriverError } from './errors.js';

/** Every block of an artifact that can name a place, as Argo spells them, plus `filesystem`. */
const DRIVER_KINDS = ['s3', 'filesystem', 'raw', 'http', 'git', 'gcs', 'oss', 'azure', 'hdfs', 'artifactory', 'plugin'] as const;
/** One of the driver blocks of an artifact. */
export type DriverKind = (typeof DRIVER_KINDS)[number];

/** Which field of a block is the object's key within its store (Argo v4.1, `GetKey` of each artifact type). */
const KEY_FIELD: Partial<Record<DriverKind, string>> = {
  s3: 'key',
  filesystem: 'key',
  gcs: 'key',
  oss: 'key',
  azure: 'blob',
  hdfs: 'path',
  artifactory: 'url',
  http: 'url',
  plugin: 'key',
};

/** Fields that a keyless repository block has beyond what an artifact may borrow from it (`keyFormat` makes keys, it is no place). */
const NOT_BORROWED = new Set(['keyFormat', 'keyPrefix', 'blobNameFormat', 'pathFormat', 'repoURL']);

const blockOf = (location: ArtifactLocation, kind: DriverKind): KubernetesObject | undefined => location[kind];

/** The only driver block of the location; undefined where there is none. Two blocks: ArtifactLocationError. */
export function driverKindOf(location: ArtifactLocation): DriverKind | undefined {
  const kinds = DRIVER_KINDS.filter((kind) => location[kind] !== undefined && location[kind] !== null);
  if (kinds.length > 1) throw new ArtifactLocationError(`the artifact has more than one location: ${kinds.join(', ')}`);
  return kinds[0];
}

/** The object's key in its store, undefined where the location has none (raw, git, a repository without key). */
export function keyOf(location: ArtifactLocation): string | undefined {
  const kind = driverKindOf(location);
  if (kind === undefined) return undefined;
  const field = KEY_FIELD[kind];
  const value = field === undefined ? undefined : blockOf(location, kind)?.[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The same location with another key. Throws UnsupportedArtifactDriverError where the driver has no keys. */
export function withKey(location: ArtifactLocation, key: string): ArtifactLocation {
  const kind = driverKindOf(location);
  const field = kind === undefined ? undefined : KEY_FIELD[kind];
  if (kind === undefined || field === undefined) throw new UnsupportedArtifactDriverError(kind ?? '');
  return { [kind]: { ...blockOf(location, kind), [field]: key } };
}

/** Only the driver block of an artifact: name, path and the rest are left behind. */
export function locationOf(artifact: Artifact | ArtifactLocation): ArtifactLocation {
  const kind = driverKindOf(artifact);
  return kind === undefined ? {} : { [kind]: artifact[kind] };
}

/**
 * The full place of an artifact: a block that gives only a key borrows endpoint, bucket and credentials from the repository's
 * block of the same driver (Argo v4.1 `Artifact.Relocate`). A block that names its own place is taken as it is.
 */
export function relocate(artifact: Artifact | ArtifactLocation, repository: KubernetesObject | undefined): ArtifactLocation {
  const kind = driverKindOf(artifact);
  if (kind === undefined) return {};
  const own = blockOf(artifact, kind) ?? {};
  const lent = repository?.[kind];
  const field = KEY_FIELD[kind];
  const keyOnly = field !== undefined && Object.keys(own).every((name) => name === field);
  if (!keyOnly || lent === undefined || lent === null || typeof lent !== 'object' || Array.isArray(lent)) return { [kind]: own };
  return { [kind]: { ...withoutKeyMaking(lent), ...own } };
}

function withoutKeyMaking(block: { [field: string]: JsonValue }): KubernetesObject {
  return Object.fromEntries(Object.entries(block).filter(([name]) => !NOT_BORROWED.has(name)));
}
