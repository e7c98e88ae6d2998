import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink, opendir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';

import { ArtifactNotFoundError, ArchiveRefusedError } from '../errors.js';

/** One file, folder or link of a tree that is packed. `name` is its path within the archive, `/`-separated. */
export type SourceEntry =
  | { type: 'file'; name: string; hostPath: string; stats: Stats }
  | { type: 'folder'; name: string; stats: Stats }
  | { type: 'symlink'; name: string; target: string; stats: Stats };

/**
 * The tree at `hostPath`, parents before children, names in order; the top is called `topName`. Links are given as links and
 * never followed; sockets, pipes and devices are left out. Throws ArtifactNotFoundError where nothing is there, and
 * ArchiveRefusedError where the top is neither a file nor a folder.
 */
export async function* sourceTree(hostPath: string, topName: string): AsyncGenerator<SourceEntry> {
  const stats = await lstat(hostPath).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new ArtifactNotFoundError(hostPath, { cause: error }) : error;
  });
  if (stats.isFile()) yield { type: 'file', name: topName, hostPath, stats };
  else if (stats.isDirectory()) yield* folderTree(hostPath, topName, stats);
  else throw new ArchiveRefusedError(`${hostPath} is not a regular file or directory`);
}

async function* folderTree(hostPath: string, name: string, stats: Stats): AsyncGenerator<SourceEntry> {
  yield { type: 'folder', name, stats };
  const children: string[] = [];
  for await (const entry of await opendir(hostPath)) children.push(entry.name);
  for (const child of children.sort()) {
    const childPath = path.join(hostPath, child);
    const childName = `${name}/${child}`;
    const found = await lstat(childPath);
    if (found.isDirectory()) yield* folderTree(childPath, childName, found);
    else if (found.isFile()) yield { type: 'file', name: childName, hostPath: childPath, stats: found };
    else if (found.isSymbolicLink()) yield { type: 'symlink', name: childName, target: await readlink(childPath), stats: found };
  }
}

/** The bytes of a regular file, exactly `sizeBytes` of them even if it grows; the path itself must not be a link. */
export async function openSource(hostPath: string, sizeBytes: number): Promise<Readable> {
  if (sizeBytes === 0) return Readable.from([], { objectMode: false });
  const handle = await open(hostPath, constants.O_RDONLY | constants.O_NOFOLLOW);
  return handle.createReadStream({ start: 0, end: sizeBytes - 1 });
}
