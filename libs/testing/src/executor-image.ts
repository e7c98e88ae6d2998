import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import type { BuildOptions } from 'rolldown';

import { sharedFolder } from './shared-folder.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const SCRIPTS = join(ROOT, 'services/executor/pod');
const BUSYBOX = '/bin/busybox';

/** Folder of the executor in its image, as the program's own image has it. */
export const EXECUTOR_FOLDER = '/app/pod';

/**
 * The image of the executor for the cluster of the tests: this machine's Node, a bundle of the program, a static busybox and the scripts, served
 * by the cluster's own registry under a name that says what is in it. EXECUTOR_IMAGE names one for another cluster. Or the line that says why there is none.
 */
export async function executorImage(): Promise<string | { skipped: string }> {
  const given = process.env['EXECUTOR_IMAGE'];
  if (given) return given;
  const scripts = sharedFolder('cluster');
  const images = join(process.env['CLUSTER_DIR'] ?? join(tmpdir(), 'argosy-cluster'), 'images');
  if (scripts === undefined || !existsSync(images))
    return { skipped: 'skipped: EXECUTOR_IMAGE names no image of the executor for this cluster' };
  if (!existsSync(BUSYBOX)) return { skipped: 'skipped: no static busybox (the package busybox-static of Debian)' };
  const folder = mkdtempSync(join(tmpdir(), 'argosy-executor-'));
  try {
    const bundle = await bundled(folder);
    const name = `argosy-executor:${contentHash([...bundle, ...readdirSync(SCRIPTS).map((file) => join(SCRIPTS, file))])}`;
    const index = JSON.parse(readFileSync(join(images, 'index.json'), 'utf8')) as Record<string, unknown>;
    if (index[`library/${name}`] !== undefined) return name;
    fill(folder);
    await promisify(execFile)('python3', [join(scripts, 'images.py'), images, 'add', name, folder]);
    return name;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bundled(folder: string): Promise<string[]> {
  const { build } = await import('rolldown');
  const target = join(folder, 'app/dist/services/executor/src');
  const { executorBundle } = (await import(pathToFileURL(join(ROOT, 'scripts/executor-bundle.mjs')).href)) as {
    executorBundle: (root: string, folder: string) => BuildOptions;
  };
  await build({ ...executorBundle(ROOT, target), logLevel: 'silent' });
  writeFileSync(join(folder, 'app/package.json'), '{"type":"module"}');
  return readdirSync(target).map((file) => join(target, file));
}

function contentHash(files: readonly string[]): string {
  const hash = createHash('sha256').update(process.version);
  for (const file of [...files].sort((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}
const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);

function fill(folder: string): void {
  for (const name of ['app/pod', 'usr/bin', 'tmp', 'etc', 'proc', 'sys', 'dev', 'var/run'])
    mkdirSync(join(folder, name), { recursive: true });
  chmodSync(join(folder, 'tmp'), 0o1777);
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/:/bin/false\n');
  writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  for (const file of readdirSync(SCRIPTS)) copyFileSync(join(SCRIPTS, file), join(folder, 'app/pod', file));
  copyFileSync(BUSYBOX, join(folder, 'app/pod/busybox'));
  copyFileSync(process.execPath, join(folder, 'usr/bin/node'));
  for (const file of ['app/pod/busybox', 'app/pod/executor', 'usr/bin/node']) chmodSync(join(folder, file), 0o755);
  const libraries = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).match(/\/[^\s)]+/g) ?? [];
  for (const library of libraries) {
    mkdirSync(join(folder, dirname(library)), { recursive: true });
    copyFileSync(library, join(folder, library));
  }
}
