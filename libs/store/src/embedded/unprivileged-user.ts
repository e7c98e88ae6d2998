import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { EmbeddedPostgresError } from '../errors.js';

/** Postgres refuses to run as root; this is who it runs as instead. */
export interface UnprivilegedUser {
  name: string;
  uid: number;
  gid: number;
}

const PREFERRED = ['postgres', 'nobody'];

/**
 * Undefined for an ordinary user (Postgres runs as the same). For root: the owner of an existing cluster, else `postgres`, `nobody`, or
 * any other user of /etc/passwd; Postgres looks its user up by number, so one without an entry will not do.
 */
export async function chooseUser(clusterDir: string): Promise<UnprivilegedUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  const owner = await stat(clusterDir).catch(() => undefined);
  const byOwner = owner && owner.uid !== 0 ? users.find(({ uid }) => uid === owner.uid) : undefined;
  const chosen =
    byOwner ?? PREFERRED.map((name) => users.find((user) => user.name === name)).find((user) => user !== undefined) ?? users[0];
  if (!chosen) throw new EmbeddedPostgresError('running as root, and /etc/passwd names no other user that Postgres could run as');
  return chosen;
}

function parsePasswd(text: string): UnprivilegedUser[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name: name ?? '', uid: Number(uid), gid: Number(gid) }))
    .filter(({ name, uid, gid }) => name !== '' && Number.isInteger(uid) && uid > 0 && Number.isInteger(gid));
}

/** Whether the user may search every folder above `path` and read what is there; decided by mode bits. */
export async function isReachable(path: string, user: UnprivilegedUser): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found && !allows(found, user, found.isDirectory() ? 1 : 5)) return false;
  return (await ancestorsOf(path)).every((folder) => folder === undefined || allows(folder, user, 1));
}

async function ancestorsOf(path: string) {
  const folders: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.push(folder);
    if (folder === dirname(folder)) break;
  }
  return Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)));
}

function allows(entry: { mode: number; uid: number; gid: number }, user: UnprivilegedUser, bits: number): boolean {
  const shift = entry.uid === user.uid ? 6 : entry.gid === user.gid ? 3 : 0;
  return ((entry.mode >> shift) & bits) === bits;
}
