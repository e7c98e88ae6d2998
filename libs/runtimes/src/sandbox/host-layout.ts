import { lstatSync, readdirSync, readFileSync, readlinkSync, accessSync, constants } from 'node:fs';
import path from 'node:path';

import type { HostLayout } from './mount-plan.js';

/** Top folders that never are the host's inside a pod. /run holds the sockets of the host's daemons. */
const OWN_FOLDERS = new Set(['proc', 'sys', 'dev', 'tmp', 'run', 'boot', 'lost+found']);
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
/** File systems of the kernel's own, without files of the host. */
const PSEUDO_TYPES = new Set([
  'proc',
  'sysfs',
  'devtmpfs',
  'devpts',
  'tmpfs',
  'ramfs',
  'cgroup',
  'cgroup2',
  'securityfs',
  'debugfs',
  'tracefs',
  'configfs',
  'pstore',
  'bpf',
  'mqueue',
  'hugetlbfs',
  'fusectl',
  'binfmt_misc',
  'autofs',
  'rpc_pipefs',
  'efivarfs',
  'nsfs',
  'squashfs',
]);

interface MountPoint {
  target: string;
  type: string;
}

/** Reads what of the host's root a pod can be shown. */
export function readHostLayout(): HostLayout {
  const mounts = readMountPoints();
  const names = readdirSync('/').filter((name) => !OWN_FOLDERS.has(name));
  const kinds = names.map((name) => ({ name, entry: lstatSync(path.join('/', name)) }));
  return {
    topFolders: kinds
      .filter(({ name, entry }) => entry.isDirectory() && isReadable(path.join('/', name)))
      .map(({ name }) => ({
        name,
        nested: mounts.some(({ target }) => target === `/${name}` || target.startsWith(`/${name}/`)),
      })),
    topLinks: kinds
      .filter(({ entry }) => entry.isSymbolicLink())
      .map(({ name }) => ({ name, target: readlinkSync(path.join('/', name)) })),
    submounts: outermost(
      mounts
        .filter(({ target, type }) => target !== '/' && !PSEUDO_TYPES.has(type) && !OWN_FOLDERS.has(target.split('/')[1] ?? ''))
        .map(({ target }) => target),
    ),
    devices: DEVICES.filter((name) => isReadable(path.join('/dev', name))),
  };
}

function readMountPoints(): MountPoint[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => {
      const [before = '', after = ''] = text.split(' - ');
      return { target: unescapeOctal(before.split(' ')[4] ?? '/'), type: after.split(' ')[0] ?? '' };
    });
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** In the order in which they have to be mounted, without repetitions. */
function outermost(targets: string[]): string[] {
  return [...new Set(targets)].sort((left, right) => left.length - right.length);
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
