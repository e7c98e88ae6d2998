import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import path from 'node:path';

import type { PodFiles } from '#libs/execution';

import { makeRoomBelow, resolveBelow } from './directory-paths.js';
import { fileTail } from './file-tail.js';

/** Where the parts of a pod that is not running lie on this host. */
export interface PodFolders {
  /** What the container sees as `/`. */
  rootFolder: string;
  /** Standard output of `main`; absent while staging. */
  stdoutFile?: string;
  /** `<container>.log` in it; a missing one counts as empty. */
  logsFolder?: string;
}

/** The files of a pod as folders. No link inside of the root leads out of it. */
export class DirectoryPodFiles implements PodFiles {
  constructor(private readonly folders: PodFolders) {}

  async stagePath(containerPath: string): Promise<string> {
    return makeRoomBelow(this.folders.rootFolder, containerPath);
  }

  async capturedPath(containerPath: string): Promise<string | null> {
    const hostPath = await resolveBelow(this.folders.rootFolder, containerPath, true);
    if (hostPath === undefined) return null;
    return (await lstat(hostPath).catch(() => undefined)) === undefined ? null : hostPath;
  }

  async stdoutTail(maxBytes: number): Promise<Buffer> {
    const { stdoutFile } = this.folders;
    if (stdoutFile === undefined) return Buffer.alloc(0);
    return fileTail(stdoutFile, maxBytes);
  }

  async *readLog(container: string): AsyncIterable<Uint8Array> {
    const { logsFolder } = this.folders;
    if (logsFolder === undefined) return;
    const file = path.join(logsFolder, `${path.basename(container)}.log`);
    if ((await lstat(file).catch(() => undefined)) === undefined) return;
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  }
}
