import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, mkdir, writeFile, cp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

interface Summary {
  totalCruised: number;
  violations: { rule: { name: string }; from: string; to: string }[];
}

const cruise = async (cwd: string, folders: string[]): Promise<Summary> => {
  const bin = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [bin, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders];
  const { stdout, stderr } = await run(process.execPath, args, { cwd, maxBuffer: 256 * 1024 * 1024 }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  // With nothing on its standard output the checker itself has failed.
  if (stdout === '') throw new Error(`dependency-cruiser said nothing but: ${stderr}`);
  return (JSON.parse(stdout) as { summary: Summary }).summary;
};

/** Each file of a fixture is named by its place in the tree; the first line says which rule it breaks. */
const fixtures = join(root, 'test/architecture/violations');

describe('boundaries', () => {
  let sandbox: string;

  beforeAll(async () => {
    sandbox = await mkdtemp(join(tmpdir(), 'argosy-boundaries-'));
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
      await cp(join(root, file), join(sandbox, file));
    await symlink(join(root, 'node_modules'), join(sandbox, 'node_modules'));
    for (const name of await readdir(fixtures)) {
      const files = JSON.parse(await readFile(join(fixtures, name), 'utf8')) as { files: Record<string, string> };
      for (const [path, text] of Object.entries(files.files)) {
        await mkdir(dirname(join(sandbox, path)), { recursive: true });
        await writeFile(join(sandbox, path), text);
      }
    }
  });
  afterAll(() => rm(sandbox, { recursive: true, force: true }));

  it('holds in the whole tree, and the checker has really seen it', async () => {
    const summary = await cruise(root, ['libs', 'services', 'test']);
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
    const folders = ['libs', 'services', 'test'].map((folder) => readdir(join(root, folder), { recursive: true }));
    const sources = (await Promise.all(folders)).flat().filter((path) => path.endsWith('.ts') && !path.includes('violations'));
    expect(sources.length).toBeGreaterThan(100);
    expect(summary.totalCruised).toBeGreaterThanOrEqual(sources.length);
  }, 120_000);

  it('every rule is broken by its fixture', async () => {
    const config = await readFile(join(root, '.dependency-cruiser.cjs'), 'utf8');
    expect(config).toContain('forbidden');
    const { default: loaded } = (await import(join(root, '.dependency-cruiser.cjs'))) as {
      default: { forbidden: { name: string }[] };
    };
    const summary = await cruise(sandbox, ['libs', 'services']);
    const broken = new Set(summary.violations.map(({ rule }) => rule.name));
    expect(loaded.forbidden.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  }, 60_000);
});
