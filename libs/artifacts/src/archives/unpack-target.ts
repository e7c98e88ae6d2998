import { constants } from 'node:fs';
import { chmod, link, lstat, mkdir, open, realpath, rm, symlink } from 'node:fs/promises';
import path from 'node:path';

import { ArchiveRefusedError } from '../errors.js';

import type { ArchiveMeter } from './limits.js';

/** set-user-id, set-group-id and sticky bits of an archive are not taken over: the folder may lie on a shared host. */
const PERMISSION_BITS = 0o777;

/**
 * A folder that entries of an archive are written into, and nothing outside of it. Every entry's real parent folder is looked
 * up and must lie inside; a symbolic link may climb only as far as the folder itself and may not climb again after descending
 * (the one way in which links that are each harmless could be combined to leave).
 */
export class UnpackTarget {
  private readonly folderModes = new Map<string, number>();

  constructor(
    /** Real path of an existing folder. */
    private readonly root: string,
    private readonly meter: ArchiveMeter,
  ) {}

  async addFolder(name: string, mode: number): Promise<void> {
    this.meter.addEntry();
    const segments = entrySegments(name);
    if (segments.length === 0) return;
    const target = await this.place(name, segments);
    const found = await lstat(target).catch(ignoreMissing);
    if (found === undefined) await mkdir(target);
    else if (!found.isDirectory()) throw new ArchiveRefusedError(`illegal file path: ${name} is not a folder`);
    this.folderModes.set(target, mode & PERMISSION_BITS);
  }

  async addFile(name: string, mode: number, body: AsyncIterable<Uint8Array>): Promise<void> {
    this.meter.addEntry();
    const target = await this.replaceable(name);
    const handle = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      await handle.writeFile(this.counted(body));
      await handle.chmod(mode & PERMISSION_BITS);
    } finally {
      await handle.close();
    }
  }

  async addSymlink(name: string, linkTarget: string): Promise<void> {
    this.meter.addEntry();
    const target = await this.replaceable(name);
    if (!this.staysInside(path.dirname(target), linkTarget))
      throw new ArchiveRefusedError(`illegal symlink target: ${name} -> ${linkTarget}`);
    await symlink(linkTarget, target);
  }

  /** `existing` is the name of an earlier entry of the same archive; only regular files can be linked. */
  async addHardLink(name: string, existing: string): Promise<void> {
    this.meter.addEntry();
    const source = await this.place(existing, entrySegments(existing));
    const found = await lstat(source).catch(ignoreMissing);
    if (found?.isFile() !== true) throw new ArchiveRefusedError(`illegal link target: ${name} -> ${existing}`);
    const target = await this.replaceable(name, source);
    if (target !== source) await link(source, target);
  }

  /** Folder modes come last: a folder without write permission could not be filled. */
  async finish(): Promise<void> {
    const deepestFirst = [...this.folderModes].sort(([a], [b]) => b.length - a.length);
    for (const [folder, mode] of deepestFirst) await chmod(folder, mode);
  }

  private async *counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.meter.addUnpacked(chunk.length);
      yield chunk;
    }
  }

  /** Where a file or link of this name goes; what an earlier entry of the same name made is removed, a folder never. */
  private async replaceable(name: string, kept?: string): Promise<string> {
    const segments = entrySegments(name);
    if (segments.length === 0) throw new ArchiveRefusedError(`illegal file path: ${JSON.stringify(name)}`);
    const target = await this.place(name, segments);
    const found = await lstat(target).catch(ignoreMissing);
    if (found?.isDirectory() === true) throw new ArchiveRefusedError(`illegal file path: ${name} is a folder`);
    if (found !== undefined && target !== kept) await rm(target);
    return target;
  }

  private async place(name: string, segments: string[]): Promise<string> {
    const last = segments.at(-1);
    if (last === undefined) throw new ArchiveRefusedError(`illegal file path: ${JSON.stringify(name)}`);
    let parent = this.root;
    for (const segment of segments.slice(0, -1)) parent = await this.descend(name, parent, segment);
    return path.join(parent, last);
  }

  private async descend(name: string, parent: string, segment: string): Promise<string> {
    const child = path.join(parent, segment);
    const found = await lstat(child).catch(ignoreMissing);
    if (found === undefined) {
      await mkdir(child);
      return child;
    }
    if (found.isDirectory()) return child;
    const resolved = found.isSymbolicLink() ? await realpath(child).catch(ignoreUnresolvable) : undefined;
    const isFolder = resolved !== undefined && (await lstat(resolved)).isDirectory();
    if (resolved === undefined || !isFolder || !isInside(this.root, resolved)) {
      throw new ArchiveRefusedError(`illegal file path after symlink resolution: ${name} resolves outside destination`);
    }
    return resolved;
  }

  private staysInside(realParent: string, linkTarget: string): boolean {
    if (linkTarget === '' || linkTarget.includes('\0') || path.isAbsolute(linkTarget)) return false;
    const names = linkTarget.split('/').filter((name) => name !== '' && name !== '.');
    const firstDescent = names.findIndex((name) => name !== '..');
    if (firstDescent >= 0 && names.slice(firstDescent).includes('..')) return false;
    return isInside(this.root, path.resolve(realParent, ...names));
  }
}

/** The names of an entry's path, `.` left out. Refused: NUL, absolute paths, `..`. */
function entrySegments(name: string): string[] {
  if (name.includes('\0') || path.posix.isAbsolute(name))
    throw new ArchiveRefusedError(`illegal file path: ${JSON.stringify(name)}`);
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw new ArchiveRefusedError(`illegal file path: ${name}`);
  return segments;
}

function isInside(root: string, candidate: string): boolean {
  return candidate === root || candidate.startsWith(root + path.sep);
}

/** A link to nothing, or one that leads back to itself. */
function ignoreUnresolvable(error: NodeJS.ErrnoException): undefined {
  return error.code === 'ELOOP' ? undefined : ignoreMissing(error);
}

const NAME_CODES = new Set(['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ']);

/** A name that the file system cannot take makes the archive refused; a full disk or the like stays what it is. */
export function refusalOf(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && NAME_CODES.has(code)
    ? new ArchiveRefusedError(`the archive cannot be unpacked: ${message}`, { cause: error })
    : error;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
