import path from 'node:path';

import type { PodManifest } from '#libs/pod-spec';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import type { EnvSource } from '../collaborators.js';
import { fieldValue, type PodPlace, resourceValue } from '../downward-fields.js';
import { thisMachine } from '../environment.js';
import { PodRefusedError } from '../errors.js';

/** A file of a volume: its path inside, its bytes and its permission bits. */
export interface VolumeFile {
  path: string;
  content: Uint8Array;
  mode: number;
}

/** What the files of a volume are made from. */
export interface VolumeFilesContext {
  manifest: PodManifest;
  containers: readonly Container[];
  source: EnvSource;
  place: PodPlace;
}

interface Item {
  key?: string;
  path?: string;
  mode?: number;
  fieldRef?: { fieldPath?: string };
  resourceFieldRef?: KubernetesObject;
}
interface ObjectSource {
  name?: string;
  secretName?: string;
  items?: Item[];
  optional?: boolean;
  defaultMode?: number;
  sources?: KubernetesObject[];
}

const DEFAULT_MODE = 0o644;

/**
 * The files of a configMap, secret, downwardAPI or projected volume as they are now; later changes of the objects are not
 * followed. Throws PodRefusedError for missing objects and keys that are not optional, in the kubelet's words.
 */
export async function volumeFiles(volume: KubernetesObject, context: VolumeFilesContext): Promise<VolumeFile[]> {
  const name = typeof volume.name === 'string' ? volume.name : '';
  const projected = volume.projected as ObjectSource | undefined;
  const mode = projected?.defaultMode ?? DEFAULT_MODE;
  const sources = projected === undefined ? [volume] : (projected.sources ?? []);
  const files = new Map<string, VolumeFile>();
  for (const source of sources) {
    for (const file of await filesOf(name, source, mode, context)) files.set(file.path, file);
  }
  return [...files.values()];
}

async function filesOf(
  volume: string,
  source: KubernetesObject,
  mode: number,
  context: VolumeFilesContext,
): Promise<VolumeFile[]> {
  const { configMap, secret, downwardAPI } = source as Record<string, ObjectSource | undefined>;
  const written = configMap ?? secret ?? downwardAPI;
  const kind = Object.keys(source).find((key) => key !== 'name') ?? '';
  if (written === undefined) throw new PodRefusedError(`volume ${volume}: ${kind} is not supported by this runtime`);
  const fileMode = written.defaultMode ?? mode;
  if (downwardAPI !== undefined) return (downwardAPI.items ?? []).map((item) => downwardFile(volume, item, fileMode, context));
  const namespace = context.manifest.metadata.namespace ?? context.manifest.work.workflowNamespace;
  const name = written.name ?? written.secretName ?? '';
  const found = await (configMap === undefined
    ? context.source.secretFiles(namespace, name)
    : context.source.configMapFiles(namespace, name));
  if (found === null) {
    if (written.optional === true) return [];
    throw new PodRefusedError(`MountVolume.SetUp failed for volume "${volume}" : ${kind.toLowerCase()} "${name}" not found`);
  }
  return keyFiles(volume, written, found, fileMode);
}

function keyFiles(volume: string, written: ObjectSource, found: Record<string, Uint8Array>, mode: number): VolumeFile[] {
  if (written.items === undefined) return Object.entries(found).map(([key, content]) => ({ path: key, content, mode }));
  return written.items.flatMap((item) => {
    const content = Object.hasOwn(found, item.key ?? '') ? found[item.key ?? ''] : undefined;
    if (content !== undefined) return [{ path: inside(volume, item.path), content, mode: item.mode ?? mode }];
    if (written.optional === true) return [];
    throw new PodRefusedError(
      `MountVolume.SetUp failed for volume "${volume}" : references non-existent config key: ${item.key ?? ''}`,
    );
  });
}

function downwardFile(volume: string, item: Item, mode: number, context: VolumeFilesContext): VolumeFile {
  const { manifest, place, containers } = context;
  const of = containers.find(({ name }) => name === item.resourceFieldRef?.containerName);
  const value =
    item.resourceFieldRef === undefined
      ? fieldValue(item.fieldRef?.fieldPath ?? '', manifest, place)
      : resourceValue(item.resourceFieldRef, of, thisMachine());
  if (value === undefined) {
    throw new PodRefusedError(`volume ${volume}: the field of ${item.path ?? ''} is not supported by this runtime`);
  }
  return { path: inside(volume, item.path), content: Buffer.from(value, 'utf8'), mode: item.mode ?? mode };
}

function inside(volume: string, file: string | undefined): string {
  const normal = path.posix.normalize(file ?? '');
  if (normal === '.' || path.posix.isAbsolute(normal) || normal.split('/').includes('..')) {
    throw new PodRefusedError(`volume ${volume}: path ${JSON.stringify(file ?? '')} is not allowed`);
  }
  return normal;
}
