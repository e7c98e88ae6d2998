import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { EmbeddedPostgresError } from '../errors.js';
import { isReachable, type UnprivilegedUser } from './unprivileged-user.js';

/** `sockaddr_un` holds 107 bytes, and Postgres appends `/.s.PGSQL.<port>`. */
const SOCKET_DIR_MAX_BYTES = 107 - '/.s.PGSQL.65535'.length;
const ROOT_STATE_DIR = '/var/lib/argosy';

export interface ClusterFolders {
  /** Postgres' own data directory. */
  clusterDir: string;
  /** Where the socket is; only its owner (and root) can enter. */
  socketDir: string;
  logFile: string;
  /** For a copy of the binaries, should one be needed. */
  cacheDir: string;
}

/**
 * Where the parts lie: below `dataDir`, or, where root's Postgres user cannot reach that (a home of mode 0700), below /var/lib/argosy
 * under a name made from its path. The socket moves to a short path in the temporary folder where `dataDir` is too long for one.
 */
export async function placeCluster(dataDir: string, user: UnprivilegedUser | undefined): Promise<ClusterFolders> {
  const wanted = resolve(dataDir);
  await mkdir(wanted, { recursive: true, mode: 0o755 });
  const real = await realpath(wanted);
  const reachable = user === undefined || (await isReachable(join(real, 'cluster'), user));
  const home = reachable ? real : join(ROOT_STATE_DIR, shortName(real));
  await mkdir(home, { recursive: true, mode: 0o755 });
  const clusterDir = join(home, 'cluster');
  await ownFolder(clusterDir, user);
  const socketDir = await placeSocket(home, user);
  return { clusterDir, socketDir, logFile: join(home, 'postgres.log'), cacheDir: reachable ? home : ROOT_STATE_DIR };
}

async function placeSocket(home: string, user: UnprivilegedUser | undefined): Promise<string> {
  const near = join(home, 'socket');
  const socketDir = Buffer.byteLength(near) <= SOCKET_DIR_MAX_BYTES ? near : join(tmpdir(), `argosy-${shortName(home)}`);
  await ownFolder(socketDir, user);
  return socketDir;
}

/** A folder of mode 0700 that belongs to Postgres' user. One that a stranger put there is refused, not used. */
async function ownFolder(folder: string, user: UnprivilegedUser | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  const allowed = [process.getuid?.(), user?.uid];
  if (!found.isDirectory() || !allowed.includes(found.uid)) throw new EmbeddedPostgresError(`${folder} belongs to another user`);
  if (user && found.uid !== user.uid) await chown(folder, user.uid, user.gid);
}

const shortName = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);
