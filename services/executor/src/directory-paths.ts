import { lstat, mkdir, readlink } from 'node:fs/promises';
import path from 'node:path';

const MAX_LINKS = 40;

/**
 * Where a path of the container lies below `rootFolder`, with links resolved as the container would: absolute ones begin at the
 * root again, and `..` ends at the root. Names after the first that does not exist are taken as they are. The last name is
 * resolved too where `followLast`. Undefined: a loop of links. The container must not be running meanwhile.
 */
export async function resolveBelow(rootFolder: string, containerPath: string, followLast: boolean): Promise<string | undefined> {
  let pending = namesOf(containerPath);
  let resolved: string[] = [];
  for (let links = 0; pending.length > 0;) {
    const [name = '', ...rest] = pending;
    pending = rest;
    if (name === '..') {
      resolved = resolved.slice(0, -1);
      continue;
    }
    const target = rest.length > 0 || followLast ? await linkTarget(path.join(rootFolder, ...resolved, name)) : undefined;
    if (target === undefined) {
      resolved.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    if (path.posix.isAbsolute(target)) resolved = [];
    pending = [...namesOf(target), ...pending];
  }
  return path.join(rootFolder, ...resolved);
}

/** The same for a file that is to be made: the folders on the way exist afterwards. */
export async function makeRoomBelow(rootFolder: string, containerPath: string): Promise<string> {
  const hostPath = await resolveBelow(rootFolder, containerPath, false);
  if (hostPath === undefined) throw new Error(`${containerPath} leads through a loop of links`);
  await mkdir(path.dirname(hostPath), { recursive: true });
  return hostPath;
}

function namesOf(containerPath: string): string[] {
  return containerPath.split('/').filter((name) => name !== '' && name !== '.');
}

async function linkTarget(hostPath: string): Promise<string | undefined> {
  const found = await lstat(hostPath).catch(() => undefined);
  return found?.isSymbolicLink() === true ? readlink(hostPath) : undefined;
}
