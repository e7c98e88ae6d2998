import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executorImage, sharedFolder } from '#libs/testing';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const BUSYBOX = '/bin/busybox';
const APPLETS = ['sh', 'mkdir', 'cat', 'rm', 'chmod', 'id'];
/** What the image of Postgres does at its start, as far as the overlay relies on it. */
const POSTGRES_ENTRY = `#!/bin/sh
set -e
echo "$POSTGRES_PASSWORD" > /tmp/password
initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 --locale=C -E UTF8
echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
echo "create database $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
exec postgres -D "$PGDATA" -c listen_addresses='*'
`;

/** Where the cluster's own registry keeps images, and the program that makes them of folders; undefined where there is no such cluster. */
const registry = (): { program: string; images: string } | undefined => {
  const scripts = sharedFolder('cluster');
  const images = join(process.env['CLUSTER_DIR'] ?? join(tmpdir(), 'argosy-cluster'), 'images');
  return scripts !== undefined && existsSync(images) ? { program: join(scripts, 'images.py'), images } : undefined;
};

/** Where the images are that the overlays name. */
export interface OverlayImages {
  /** For `images` of a kustomization. */
  images: { name: string; newTag: string }[];
  executor: string;
}

/**
 * Puts the images that the overlays name into the registry of the test cluster, under tags of this run, as nodes keep what they have pulled: the services as
 * the Dockerfile makes them, databases from this machine's programs. Or gives the line that says what is missing.
 */
export const putOverlayImages = async (): Promise<OverlayImages | { skipped: string }> => {
  const place = registry();
  if (place === undefined) return { skipped: 'skipped: images can be put into the cluster of the tests alone' };
  const [postgres, redis, redisCli, s3] = ['postgres', 'redis-server', 'redis-cli', 'versitygw'].map(programOf);
  if (postgres === undefined || redis === undefined || redisCli === undefined || s3 === undefined)
    return { skipped: 'skipped: this machine lacks Postgres, Redis or an S3 server (versitygw)' };
  if (!existsSync(join(ROOT, 'dist/services'))) return { skipped: 'skipped: nothing is built (npm run build)' };
  const executor = await executorImage();
  if (typeof executor !== 'string') return executor;
  const newTag = `run-${randomBytes(4).toString('hex')}`;
  const images: OverlayImages['images'] = [];
  const add = (name: string, fill: (folder: string) => void, options: readonly string[]): void => {
    put(place, `${name}:${newTag}`, fill, options);
    images.push({ name, newTag });
  };
  add('argosy', services, [
    ...['--entry', '/usr/local/bin/node', '--user', '1000:1000', '--workdir', '/app'],
    ...['--env', 'NODE_ENV=production', '--env', 'PATH=/usr/local/bin', '--env', 'NODE_OPTIONS=--max-semi-space-size=16'],
  ]);
  add('postgres', (folder) => postgresTree(folder, postgres), ['--entry', '/bin/entry']);
  add('redis', (folder) => programTree(folder, { 'redis-server': redis, 'redis-cli': redisCli }), []);
  add('versity/versitygw', (folder) => programTree(folder, { versitygw: s3 }), ['--entry', '/bin/versitygw']);
  return { images, executor };
};

const programOf = (name: string): string | undefined => {
  const own = join(ROOT, 'node_modules/.cache/test-parts', name, name);
  if (existsSync(own)) return own;
  try {
    return realpathSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim());
  } catch {
    return undefined;
  }
};

const put = (
  { program, images }: { program: string; images: string },
  name: string,
  fill: (folder: string) => void,
  options: readonly string[],
): void => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-overlay-image-'));
  try {
    chmodSync(folder, 0o755);
    fill(folder);
    execFileSync('python3', [program, images, 'add', name, folder, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Node and its libraries, the build, and the packages that are needed where it runs. */
const services = (folder: string): void => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/image-root.mjs'), folder]);
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  const needed = Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !(dev ?? optional ?? devOptional))
    .map(([path]) => path);
  for (const path of ['package.json', 'dist', ...needed]) {
    if (existsSync(join(folder, 'app', path)) || !existsSync(join(ROOT, path))) continue;
    cpSync(join(ROOT, path), join(folder, 'app', path), { recursive: true });
  }
};

const librariesOf = (programs: readonly string[]): string[] => [
  ...new Set(
    programs.flatMap((program) => {
      try {
        return (
          execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).match(/\/[^\s)]+/g) ?? []
        );
      } catch {
        return [];
      }
    }),
  ),
];

const bare = (folder: string): void => {
  for (const name of ['bin', 'etc', 'tmp', 'run', 'var/run', 'data', 'proc', 'sys', 'dev'])
    mkdirSync(join(folder, name), { recursive: true });
  chmodSync(join(folder, 'tmp'), 0o1777);
  cpSync(BUSYBOX, join(folder, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(folder, 'bin', applet));
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\n');
  writeFileSync(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\npasswd: files\n');
};

const copyLibraries = (folder: string, programs: readonly string[]): void => {
  for (const library of librariesOf(programs)) cpSync(realpathSync(library), join(folder, library));
};

/** Programs under the names that the overlay calls them by: here a name may be a link to one that does several things. */
const programTree = (folder: string, programs: Readonly<Record<string, string>>): void => {
  bare(folder);
  for (const [name, program] of Object.entries(programs)) cpSync(realpathSync(program), join(folder, 'bin', name));
  copyLibraries(folder, Object.values(programs));
};

/** Postgres finds its files by the place of its program, so it stands where it stands here. */
const postgresTree = (folder: string, postgres: string): void => {
  bare(folder);
  const bin = dirname(postgres);
  const shared = execFileSync(join(bin, 'pg_config'), ['--sharedir'], { encoding: 'utf8' }).trim();
  for (const tree of [dirname(bin), shared, '/usr/share/zoneinfo']) cpSync(tree, join(folder, tree), { recursive: true });
  copyLibraries(
    folder,
    ['postgres', 'initdb', 'pg_isready'].map((name) => join(bin, name)),
  );
  for (const name of ['postgres', 'initdb', 'pg_isready']) symlinkSync(join(bin, name), join(folder, 'bin', name));
  writeFileSync(join(folder, 'bin/entry'), POSTGRES_ENTRY, { mode: 0o755 });
};
