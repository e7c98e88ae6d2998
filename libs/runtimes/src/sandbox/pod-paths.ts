import { lstatSync, mkdirSync, readlinkSync, chmodSync, chownSync, type Stats } from 'node:fs';
import path from 'node:path';

import { UserError } from '#libs/workflow-spec';

import type { FolderLayers } from './merged-folder.js';
import { isCode } from './system-error.js';

const MAX_LINKS = 40;

/** A folder of the host that stands at a place inside the pod and hides what is below (private /tmp, volumes). */
export interface MountedFolder {
  target: string;
  source: string;
}

/** What the pod sees. */
export interface PodView {
  mounted: readonly MountedFolder[];
  /** Host paths at which a path of the pod may stand, from the top: the writable layer first, the host's own root last. */
  layers: (podPath: string) => string[];
  /** Paths that are covered inside the pod; nothing is ever read below them. */
  hidden: readonly string[];
}

/**
 * Finds the host's file for a path inside a pod that has not started or has ended. Links are followed as the pod would follow
 * them, one component at a time, so that none leads out of the pod.
 */
export class PodPaths {
  constructor(private readonly view: PodView) {}

  /** Host path in the writable layer; the parent folders are made like those that they cover. */
  writable(podPath: string): string {
    const wanted = normalise(podPath);
    const parent = this.follow(path.dirname(wanted), true);
    let made = '/';
    for (const part of parent.split('/').filter((name) => name !== '')) {
      made = path.join(made, part);
      this.makeFolder(made);
    }
    return path.join(this.top(parent), path.basename(wanted));
  }

  /** The path without links, as the pod resolves it; what does not exist stays as written. */
  resolved(podPath: string): string {
    return this.follow(normalise(podPath), true);
  }

  /** Host path of the topmost layer that has it; null where the pod sees nothing there. */
  existing(podPath: string): string | null {
    const resolved = this.follow(normalise(podPath), false);
    return resolved === MISSING ? null : (this.look(resolved)?.file ?? null);
  }

  /**
   * The layers of a folder that has to be put together before it can be read: several layers have it, or something below it is
   * hidden. Null where one place of the host shows it as it is, and for files. Throws UserError for the root of the pod.
   */
  folderLayers(podPath: string): FolderLayers | null {
    const resolved = this.follow(normalise(podPath), false);
    if (resolved === MISSING || this.look(resolved)?.stats.isDirectory() !== true) return null;
    if (resolved === '/') throw new UserError('the root of the file system cannot be an output');
    const layers: string[] = [];
    for (const folder of this.candidates(resolved)) {
      const stats = statOf(folder);
      if (stats !== null && !stats.isDirectory()) break;
      if (stats !== null) layers.push(folder);
    }
    const mounts = this.view.mounted.filter(({ target }) => target.startsWith(`${resolved}/`));
    const covers = mounts.length > 0 || this.view.hidden.some((hidden) => hidden.startsWith(`${resolved}/`));
    return layers.length > 1 || covers
      ? { podPath: resolved, layers, mounts, isHidden: (inside) => this.isHidden(inside) }
      : null;
  }

  private follow(podPath: string, missingIsFine: boolean): string {
    let links = 0;
    let done = '/';
    let rest = podPath.split('/').filter((part) => part !== '');
    while (rest.length > 0) {
      const [part = '', ...after] = rest;
      const next = path.join(done, part);
      const found = this.look(next);
      if (found === null) return missingIsFine ? path.join(next, ...after) : MISSING;
      if (found.stats.isSymbolicLink()) {
        links += 1;
        if (links > MAX_LINKS) throw new UserError(`${podPath}: too many levels of symbolic links`);
        const target = normalise(path.resolve(done, readlinkSync(found.file)));
        rest = [...target.split('/').filter((name) => name !== ''), ...after];
        done = '/';
        continue;
      }
      done = next;
      rest = after;
    }
    return done;
  }

  private look(podPath: string): { file: string; stats: Stats } | null {
    if (this.isHidden(podPath)) return null;
    for (const file of this.candidates(podPath)) {
      const stats = statOf(file);
      if (stats === null) continue;
      // The overlay marks a removed file by a character device 0:0.
      return stats.isCharacterDevice() && stats.rdev === 0 ? null : { file, stats };
    }
    return null;
  }

  private isHidden(podPath: string): boolean {
    return this.view.hidden.some((hidden) => podPath === hidden || podPath.startsWith(`${hidden}/`));
  }

  private candidates(podPath: string): string[] {
    const mounted = this.mountOf(podPath);
    if (mounted !== undefined) return [path.join(mounted.source, path.relative(mounted.target, podPath))];
    return this.view.layers(podPath);
  }

  private top(podPath: string): string {
    return this.candidates(podPath)[0] ?? '';
  }

  private mountOf(podPath: string): MountedFolder | undefined {
    return [...this.view.mounted]
      .sort((left, right) => right.target.length - left.target.length)
      .find(({ target }) => podPath === target || podPath.startsWith(`${target}/`));
  }

  private makeFolder(podPath: string): void {
    const folder = this.top(podPath);
    if (statOf(folder)?.isDirectory() === true) return;
    const like = this.look(podPath)?.stats;
    mkdirSync(folder, { recursive: true });
    if (like?.isDirectory() !== true) return;
    chmodSync(folder, like.mode & 0o7777);
    if (process.getuid?.() === 0) chownSync(folder, like.uid, like.gid);
  }
}

const MISSING = '';

function normalise(podPath: string): string {
  if (!path.isAbsolute(podPath)) throw new UserError(`${podPath}: the path must be absolute`);
  return path.normalize(podPath).replace(/(.)\/+$/, '$1');
}

function statOf(file: string): Stats | null {
  try {
    return lstatSync(file);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return null;
    throw error;
  }
}
