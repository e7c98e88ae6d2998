import { chmodSync, chownSync, lstatSync, mkdirSync, realpathSync, type Stats, writeFileSync } from 'node:fs';
import path from 'node:path';

import { PodRefusedError } from '../errors.js';
import type { VolumeFile } from '../volumes/volume-files.js';
import type { VolumeMount, VolumeSource } from '../volumes/volume-source.js';
import type { MountedVolume } from './pod-root.js';
import { isCode } from './system-error.js';

/** Folder of a pod's own volumes, below the pod's folder. */
const VOLUMES_FOLDER = 'volumes';
const SHARED_MODE = 0o777;
const GROUP_MODE = 0o2775;
const SAFE_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** What the host gives to volumes. */
export interface VolumePlaces {
  /** Folder with a folder per namespace and claim. */
  claimsFolder: string;
  /** Host paths that pods may mount, with all that is below them. */
  hostPaths: readonly string[];
}

/** A volume of a pod with what it is made of. */
export interface PlannedVolume {
  name: string;
  source: VolumeSource;
  files: readonly VolumeFile[];
}

/** Folder of a claim. Throws PodRefusedError for names that Kubernetes does not allow. */
export function claimFolder(claimsFolder: string, { namespace, name }: { namespace: string; name: string }): string {
  for (const part of [namespace, name]) {
    if (!SAFE_NAME.test(part))
      throw new PodRefusedError(`persistentVolumeClaim ${JSON.stringify(name)}: the name is not allowed`);
  }
  return path.join(claimsFolder, namespace, name);
}

/** Where a volume lies: below the pod's folder, or an absolute path. Throws PodRefusedError for a hostPath that is not allowed. */
export function volumeRoot({ name, source }: PlannedVolume, places: VolumePlaces): string {
  switch (source.kind) {
    case 'scratch':
    case 'files':
      return path.join(VOLUMES_FOLDER, name);
    case 'claim':
      return claimFolder(places.claimsFolder, { namespace: source.namespace, name: source.claimName });
    case 'hostPath':
      return hostPathOf(name, source, places.hostPaths);
  }
}

/** Makes a volume's folder and files. `group`: fsGroup, which owns what belongs to pods. */
export function makeVolume(volume: PlannedVolume, root: string, group: number | undefined): void {
  const { source } = volume;
  if (source.kind === 'hostPath') return makeHostPath(source, root);
  mkdirSync(root, { recursive: true });
  if (source.kind === 'files') {
    for (const file of volume.files) {
      const target = path.join(root, file.path);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, file.content);
      chmodSync(target, file.mode & 0o777);
      giveToGroup(target, group);
    }
    return giveToGroup(root, group);
  }
  chmodSync(root, group === undefined ? SHARED_MODE : GROUP_MODE);
  giveToGroup(root, group);
}

/** The mount of a container, with its subPath made where it is missing. `made`: where the volume lies while the pod is being made. */
export function mountOf(mount: VolumeMount & { volumeRoot: string; made: string }, volume: PlannedVolume): MountedVolume {
  const { source } = volume;
  const readOnly = mount.readOnly || source.kind === 'files' || (source.kind === 'claim' && source.readOnly);
  const parts = mount.subPath.split('/').filter((part) => part !== '' && part !== '.');
  const isFile = kindBelow(mount.made, parts, mount.volume) === 'file';
  return {
    source: path.join(mount.volumeRoot, ...parts),
    target: mount.mountPath,
    ...(readOnly ? { readOnly } : {}),
    ...(isFile ? { isFile } : {}),
  };
}

/** Walks down one part at a time: a link that a pod has left in a volume must not lead another one out of it. */
function kindBelow(root: string, parts: readonly string[], volume: string): 'file' | 'folder' {
  let place = root;
  for (const part of parts) {
    place = path.join(place, part);
    const stats = statOf(place);
    if (stats === null) {
      mkdirSync(place);
      chmodSync(place, SHARED_MODE);
    } else if (stats.isSymbolicLink()) {
      throw new PodRefusedError(`volume ${volume}: subPath leads over a symbolic link`);
    } else if (!stats.isDirectory()) {
      return 'file';
    }
  }
  return statOf(place)?.isDirectory() === false ? 'file' : 'folder';
}

function hostPathOf(name: string, source: { path: string; type: string }, allowed: readonly string[]): string {
  const wanted = path.normalize(source.path).replace(/(.)\/+$/, '$1');
  const real = path.isAbsolute(wanted) ? realOf(wanted) : wanted;
  const isAllowed = [wanted, real].every((candidate) =>
    allowed.some((folder) => candidate === folder || candidate.startsWith(`${folder.replace(/\/$/, '')}/`)),
  );
  if (!isAllowed)
    throw new PodRefusedError(`volume ${name}: hostPath ${source.path} is not allowed on this host (setting hostPaths)`);
  return real;
}

/** With the links of what exists of it. */
function realOf(wanted: string): string {
  try {
    return realpathSync(wanted);
  } catch {
    const parent = path.dirname(wanted);
    return parent === wanted ? wanted : path.join(realOf(parent), path.basename(wanted));
  }
}

function makeHostPath(source: { path: string; type: string }, root: string): void {
  const stats = statOf(root);
  const missing = (): never => {
    throw new PodRefusedError(
      `hostPath type check failed: ${source.path} is not a ${source.type === 'File' ? 'file' : 'directory'}`,
    );
  };
  if (source.type.startsWith('Directory')) {
    if (stats === null && source.type === 'DirectoryOrCreate') mkdirSync(root, { recursive: true });
    else if (stats?.isDirectory() !== true) missing();
  } else if (source.type.startsWith('File')) {
    if (stats === null && source.type === 'FileOrCreate') writeFileSync(root, '', { flag: 'a' });
    else if (stats?.isFile() !== true) missing();
  } else if (stats === null) {
    throw new PodRefusedError(`hostPath ${source.path} does not exist`);
  }
}

function giveToGroup(target: string, group: number | undefined): void {
  if (group !== undefined && process.getuid?.() === 0) chownSync(target, 0, group);
}

function statOf(file: string): Stats | null {
  try {
    return lstatSync(file);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
