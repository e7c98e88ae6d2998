import { accessSync, constants, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { isCode } from './system-error.js';
import type { HostLayout } from './mount-plan.js';
import type { HostTools } from './init-script.js';

const SEARCH_PATH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];

/** What the sandbox found missing, in words for a person. */
export type ToolSearch = { tools: HostTools } | { missing: string[] };

/** The full path of a program in the usual folders. */
export function findProgram(name: string): string | undefined {
  return SEARCH_PATH.map((folder) => path.join(folder, name)).find(isExecutable);
}

/** Finds the programs that the init needs. All but `setpriv` are necessary; they come with util-linux and coreutils (or busybox). */
export function findTools(): ToolSearch {
  const [sh, unshare, mount, umount, pivotRoot, mkfifo, setpriv, nsenter] = [
    'sh',
    'unshare',
    'mount',
    'umount',
    'pivot_root',
    'mkfifo',
    'setpriv',
    'nsenter',
  ].map(findProgram);
  if (
    sh === undefined ||
    unshare === undefined ||
    mount === undefined ||
    umount === undefined ||
    pivotRoot === undefined ||
    mkfifo === undefined
  ) {
    const found = { sh, unshare, mount, umount, pivot_root: pivotRoot, mkfifo };
    return { missing: Object.entries(found).flatMap(([name, file]) => (file === undefined ? [name] : [])) };
  }
  return {
    tools: {
      sh,
      unshare,
      mount,
      umount,
      pivotRoot,
      mkfifo,
      ...(setpriv === undefined ? {} : { setpriv }),
      ...(nsenter === undefined ? {} : { nsenter }),
    },
  };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Links of /dev, and the folder for shared memory. */
const DEVICE_LINKS: Record<string, string> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
};

/** Makes the folder that becomes /dev of every pod: empty files, over which the host's devices are bound. Repeatable. */
export function makeDeviceFolder(folder: string, layout: HostLayout): void {
  mkdirSync(path.join(folder, 'shm'), { recursive: true });
  for (const name of layout.devices) if (!existsSync(path.join(folder, name))) writeFileSync(path.join(folder, name), '');
  for (const [name, target] of Object.entries(DEVICE_LINKS)) {
    try {
      symlinkSync(target, path.join(folder, name));
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
    }
  }
}
