// Installs the dependencies of package-lock.json where they are missing or older than it, saying so while it takes time.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The environment in which node_modules/.bin comes first: there `node` is the version that the lock file pins. */
export const environment = () => ({
  ...process.env,
  PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
});

/** Runs a command, showing a line while it is silent for long; resolves with its exit code and output. */
export const run = (command, args, { label, show = false, env = {} } = {}) =>
  new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(command, args, {
      cwd: root,
      env: { ...environment(), ...env },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const interactive = process.stdout.isTTY === true;
    const ticker = label
      ? setInterval(() => {
          const seconds = Math.round((Date.now() - startedAt) / 1000);
          if (interactive) process.stdout.write(`\r${label} … ${seconds} s`);
          else if (seconds % 10 === 0) console.log(`${label} … ${seconds} s`);
        }, 1000)
      : undefined;
    const finish = (code, extra = '') => {
      clearInterval(ticker);
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      if (label) console.log(`${interactive ? '\r' : ''}${label} ${code === 0 ? 'done' : 'failed'} (${seconds} s)`);
      resolve({ code, output: output + extra });
    };
    child.on('error', (error) => finish(127, String(error.message)));
    child.on('close', (code) => finish(code ?? 1));
  });

const lockDigest = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');

export const ensureInstalled = async () => {
  const mark = join(root, 'node_modules', '.argosy-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lockDigest()) return;
  const npmCache = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(npmCache)) {
    // A plain `npm ci` by hand is as good; npm itself then says whether the tree is that of the lock file.
    const { code } = await run('npm', ['ls', '--all', '--silent'], { label: 'Checking dependencies' });
    if (code === 0) return writeFileSync(mark, lockDigest());
  }
  const { code, output } = await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    label: 'Installing dependencies',
  });
  if (code !== 0) {
    console.error(output.trim());
    console.error("The dependencies could not be installed; the message above is npm's.");
    process.exit(code);
  }
  writeFileSync(mark, lockDigest());
};

/** Compiles where a source is newer than the last build. */
export const ensureBuilt = async () => {
  const mark = join(root, 'dist', '.argosy-build');
  const { sourceDigest } = await import('./source-digest.mjs');
  const digest = await sourceDigest(root);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const { code, output } = await run('node', ['scripts/build.mjs'], { label: 'Building' });
  if (code !== 0) {
    console.error(output.trim());
    process.exit(code);
  }
  writeFileSync(mark, digest);
};
