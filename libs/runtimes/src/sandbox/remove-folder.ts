import { chmod, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { isCode } from './system-error.js';

const OWN_FOLDER_MODE = 0o700;

/**
 * Removes a folder with everything in it. A pod may have left folders that its own user cannot enter (mode 000; the overlay's work
 * folder is one): their modes are changed first where that is needed. Links are removed and never followed.
 */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY')) throw error;
    await openFolders(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Somebody else may remove the same folder at the same time: what is gone is done. */
async function openFolders(folder: string): Promise<void> {
  try {
    await chmod(folder, OWN_FOLDER_MODE);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) await openFolders(path.join(folder, entry.name));
    }
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}
