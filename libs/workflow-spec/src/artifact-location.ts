import type { Artifact, ArtifactLocation, JsonValue, KubernetesObject } from './model/workflow.js';

/** Every block of an artifact that can name a place, as Argo spells them, plus `filesystem`. */
export const ARTIFACT_DRIVER_KINDS = [
  's3',
  'filesystem',
  'raw',
  'http',
  'git',
  'gcs',
  'oss',
  'azure',
  'hdfs',
  'artifactory',
  'plugin',
] as const;
/** One of the driver blocks of an artifact. */
export type ArtifactDriverKind = (typeof ARTIFACT_DRIVER_KINDS)[number];

const KEY_FIELDS: Readonly<Record<ArtifactDriverKind, string | undefined>> = {
  s3: 'key',
  filesystem: 'key',
  gcs: 'key',
  oss: 'key',
  azure: 'blob',
  hdfs: 'path',
  artifactory: 'url',
  http: 'url',
  plugin: 'key',
  raw: undefined,
  git: undefined,
};

/** Drivers whose key is a name in a store that a repository can lend. */
const STORES: ReadonlySet<ArtifactDriverKind> = new Set(['s3', 'filesystem', 'gcs', 'oss', 'azure', 'hdfs', 'plugin']);

/** How a repository makes keys: that is no place, and no artifact borrows it. */
const KEY_MAKING_FIELDS = new Set(['keyFormat', 'keyPrefix', 'blobNameFormat', 'pathFormat']);

/** The driver blocks that an artifact, a location or a repository has, in a fixed order; a block that is null is none. */
export function artifactDriverKinds(holder: Artifact | ArtifactLocation | KubernetesObject): ArtifactDriverKind[] {
  const blocks = holder as { readonly [kind in ArtifactDriverKind]?: unknown };
  return ARTIFACT_DRIVER_KINDS.filter((kind) => blocks[kind] !== undefined && blocks[kind] !== null);
}

/** Which field of a driver's block is the object's key in its store (Argo v4.1, `GetKey`); undefined where it has no keys. */
export function artifactKeyField(kind: ArtifactDriverKind): string | undefined {
  return KEY_FIELDS[kind];
}

/** The key that the block of this driver gives; undefined where it gives none, or an empty one. */
export function artifactKeyOf(location: Artifact | ArtifactLocation, kind: ArtifactDriverKind): string | undefined {
  const field = KEY_FIELDS[kind];
  const block: KubernetesObject | undefined = location[kind];
  const value = field === undefined ? undefined : block?.[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The full place of a driver's block: one that gives only a key borrows endpoint, bucket and credentials from the repository's
 * block of the same driver, or, where the repository is of another store, is that key in it (Argo v4.1 `Artifact.Relocate`). A
 * block that names its own place is taken as it is; `filesystem` has one store only, so its key is a whole place.
 */
export function relocatedBlock(
  kind: ArtifactDriverKind,
  own: KubernetesObject,
  repository: KubernetesObject | undefined,
): ArtifactLocation {
  if (repository === undefined || !isKeyOnlyBlock(kind, own)) return { [kind]: own };
  const lent = repository[kind];
  if (isBlock(lent)) return { [kind]: { ...withoutKeyMaking(lent), ...own } };
  const key = artifactKeyOf({ [kind]: own }, kind);
  const [other] = artifactDriverKinds(repository).filter((lender) => STORES.has(lender));
  const place = other === undefined ? undefined : repository[other];
  if (other === undefined || key === undefined || !isBlock(place) || kind === 'filesystem' || !STORES.has(kind))
    return { [kind]: own };
  return { [other]: { ...withoutKeyMaking(place), [KEY_FIELDS[other] ?? 'key']: key } };
}

/** Whether the block of this driver leaves the store to the repository: it has a key at most, and that is no whole URL. */
function isKeyOnlyBlock(kind: ArtifactDriverKind, own: KubernetesObject): boolean {
  const field = KEY_FIELDS[kind];
  return field !== undefined && Object.keys(own).every((name) => name === field) && !isUrl(own[field]);
}

/** A whole URL is a place of its own, which must not see the repository's credentials. */
function isUrl(value: JsonValue | undefined): boolean {
  return typeof value === 'string' && /^[a-z]+:\/\//i.test(value);
}

function isBlock(value: JsonValue | undefined): value is { [field: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A repository's block without the fields that say how keys are made. */
export function withoutKeyMaking(block: KubernetesObject): KubernetesObject {
  return Object.fromEntries(Object.entries(block).filter(([name]) => !KEY_MAKING_FIELDS.has(name)));
}
