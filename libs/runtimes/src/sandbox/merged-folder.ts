import { copyFile, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import path from 'node:path';

import { isCode } from './system-error.js';

/** A folder of the pod that no single folder of the host shows as the pod saw it. */
export interface FolderLayers {
  /** Its path inside the pod. */
  podPath: string;
  /** Host folders, the topmost first. */
  layers: readonly string[];
  /** Volumes of the pod below it. */
  mounts?: readonly { target: string; source: string }[];
  isHidden: (podPath: string) => boolean;
}

/**
 * Copies the layers of a folder over each other into `target`, as the overlay shows them: what a layer removed (a character device
 * 0:0) is removed, links stay links, hidden paths, devices and sockets are left out, as is what this user cannot read.
 */
export async function mergeFolder({ podPath, layers, mounts = [], isHidden }: FolderLayers, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const isCovered = (inside: string): boolean =>
    isHidden(inside) || mounts.some((mount) => inside.startsWith(`${mount.target}/`));
  for (const layer of [...layers].reverse()) await lay(layer, target, podPath, isCovered);
  const parentsFirst = [...mounts].sort((left, right) => left.target.length - right.target.length);
  for (const mount of parentsFirst) {
    const place = path.join(target, path.relative(podPath, mount.target));
    const isCoveredHere = (inside: string): boolean =>
      isHidden(inside) ||
      mounts.some((other) => other !== mount && other.target.startsWith(mount.target) && inside.startsWith(`${other.target}/`));
    if ((await lstat(mount.source).catch(() => undefined))?.isFile() === true) {
      await mkdir(path.dirname(place), { recursive: true });
      await copyIfReadable(mount.source, place);
    } else {
      await mkdir(place, { recursive: true });
      await lay(mount.source, place, mount.target, isCoveredHere);
    }
  }
}

async function lay(source: string, target: string, podPath: string, isHidden: (podPath: string) => boolean): Promise<void> {
  for (const name of await namesIn(source)) {
    const inside = path.join(podPath, name);
    if (isHidden(inside)) continue;
    const from = path.join(source, name);
    const to = path.join(target, name);
    const stats = await lstat(from);
    const before = await lstat(to).catch(() => undefined);
    if (before !== undefined && !(before.isDirectory() && stats.isDirectory())) await rm(to, { recursive: true });
    if (stats.isDirectory()) {
      await mkdir(to, { recursive: true });
      await lay(from, to, inside, isHidden);
    } else if (stats.isSymbolicLink()) {
      await symlink(await readlink(from), to);
    } else if (stats.isFile()) {
      await copyIfReadable(from, to);
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isCode(error, 'EACCES', 'ENOTDIR', 'ENOENT')) return [];
    throw error;
  }
}

async function copyIfReadable(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!isCode(error, 'EACCES')) throw error;
  }
}
