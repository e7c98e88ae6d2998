import { mkdir, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

import { DEFAULT_ARCHIVE_LIMITS } from '../archives/limits.js';
import { packTar, unpackTar } from '../archives/tar-archive.js';

const TOP = 'content';

/** A folder as the broker sends it; `unpackFolder` makes it again. */
export function packFolder(folder: string): Readable {
  return packTar({ hostPath: folder, entryName: TOP });
}

/** Makes the folder out of what `packFolder` gave; its parent exists. It is there whole or not at all. */
export async function unpackFolder(body: Readable, folder: string): Promise<void> {
  const workFolder = `${folder}.argosy-unpack`;
  await rm(workFolder, { recursive: true, force: true });
  try {
    await mkdir(workFolder, { mode: 0o700 });
    await unpackTar(body, await realpath(workFolder), DEFAULT_ARCHIVE_LIMITS);
    await rename(path.join(workFolder, TOP), folder);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}
