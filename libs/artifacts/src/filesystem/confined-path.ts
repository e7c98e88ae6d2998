import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';

import { ArtifactKeyError } from '../errors.js';

/** Longest single name that common file systems take. */
const MAX_NAME_BYTES = 255;

/** Our own folder under the root (uploads under way, metadata); no key may lie in it. */
export const PRIVATE_FOLDER = '.argosy';

/** Reason of the ArtifactKeyError where a part of the key is an object: it cannot be saved, and nothing is there to be read. */
export const BLOCKED_BY_OBJECT = 'a part of it is an object, not a folder';

/**
 * The names that a key is made of. Refused: an empty key, NUL, absolute keys, `.` and `..`, empty names in the middle, and
 * anything below our private folder. One trailing slash is allowed and means nothing.
 */
function segmentsOf(key: string): string[] {
  if (key === '') throw new ArtifactKeyError(key, 'it is empty');
  if (key.includes('\0')) throw new ArtifactKeyError(key, 'it contains a NUL character');
  if (key.startsWith('/') || path.win32.isAbsolute(key)) throw new ArtifactKeyError(key, 'it is absolute');
  const segments = key.replace(/\/$/, '').split('/');
  for (const segment of segments) {
    if (segment === '' || segment === '.' || segment === '..')
      throw new ArtifactKeyError(key, 'it contains an empty name, "." or ".."');
    if (Buffer.byteLength(segment) > MAX_NAME_BYTES) throw new ArtifactKeyError(key, 'a name in it is too long');
  }
  if (segments[0] === PRIVATE_FOLDER) throw new ArtifactKeyError(key, 'it lies in the folder of the store itself');
  return segments;
}

/**
 * Host path of a key under `rootFolder`. Every folder on the way that exists must be a real folder: a symbolic link is refused
 * even where it leads back inside, so that nobody who can write into the root can make the store read or write elsewhere.
 */
export async function confinedPath(rootFolder: string, key: string): Promise<string> {
  const segments = segmentsOf(key);
  let current = await realpath(rootFolder);
  for (const [index, segment] of segments.entries()) {
    current = path.join(current, segment);
    const found = await lstat(current).catch(ignoreMissing);
    if (found === undefined) return path.join(current, ...segments.slice(index + 1));
    if (found.isSymbolicLink()) throw new ArtifactKeyError(key, 'it leads through a symbolic link');
    if (!found.isDirectory() && index < segments.length - 1) throw new ArtifactKeyError(key, BLOCKED_BY_OBJECT);
  }
  return current;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
