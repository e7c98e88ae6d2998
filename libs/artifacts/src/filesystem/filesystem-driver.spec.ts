import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeArtifactDriver, spawnTypeScript } from '#libs/testing';

import { FilesystemArtifactDriver } from './filesystem-driver.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const clock = { nowMs: () => Date.now() };
const incoming = async (root: string): Promise<string[]> => readdir(path.join(root, '.argosy/incoming')).catch(() => []);

describeArtifactDriver('filesystem', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'artifacts-'));
  return {
    driver: new FilesystemArtifactDriver(root, clock),
    locationOf: (key) => ({ filesystem: { key } }),
    unfinishedUploads: async () => (await incoming(root)).length,
    close: () => rm(root, { recursive: true, force: true }),
  };
});

describe('filesystem artifact driver, as a folder on a host', () => {
  let base: string;
  let root: string;
  let driver: FilesystemArtifactDriver;
  const save = (key: string, text = 'x'): Promise<void> =>
    driver.save({ filesystem: { key } }, Readable.from([Buffer.from(text)]));

  beforeEach(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'artifacts-'));
    root = path.join(base, 'store');
    await mkdir(root);
    await writeFile(path.join(base, 'secret'), 'secret');
    driver = new FilesystemArtifactDriver(root, clock);
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  it.each([
    '../secret',
    'a/../../secret',
    '/etc/passwd',
    'a/./b',
    'a//b',
    'nul\0l',
    '.argosy/metadata/x',
    '..',
    'C:\\x',
    'a/' + 'n'.repeat(256),
  ])('refuses the key %j for reading, writing, listing and deleting', async (key) => {
    const location = { filesystem: { key } };
    const refusal = { name: 'ArtifactKeyError' };
    await expect(driver.load(location)).rejects.toMatchObject(refusal);
    await expect(save(key)).rejects.toMatchObject(refusal);
    await expect(driver.delete(location)).rejects.toMatchObject(refusal);
    await expect(driver.head(location)).rejects.toMatchObject(refusal);
    await expect(driver.isDirectory(location)).rejects.toMatchObject(refusal);
    await expect(driver.list(location)[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
    expect(await readFile(path.join(base, 'secret'), 'utf8')).toBe('secret');
  });

  it('refuses a key that leads through a symbolic link, wherever the link leads', async () => {
    await symlink(base, path.join(root, 'out'));
    await symlink(path.join(base, 'secret'), path.join(root, 'link'));
    await expect(driver.load({ filesystem: { key: 'out/secret' } })).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    await expect(driver.load({ filesystem: { key: 'link' } })).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    await expect(save('out/new')).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    await expect(save('link')).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    expect((await readdir(base)).sort()).toEqual(['secret', 'store']);
  });

  it('never writes outside of its root, whatever the key', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', '.', '/', '\\', '\0', '..', '~', ' ') }), async (key) => {
        await save(key).catch(() => undefined);
        expect((await readdir(base)).sort()).toEqual(['secret', 'store']);
      }),
      { numRuns: 150 },
    );
  });

  it('refuses an object where other objects lie below its key, and below an object', async () => {
    await save('a/b');
    await expect(save('a')).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    await expect(save('a/b/c')).rejects.toMatchObject({ name: 'ArtifactKeyError' });
    await expect(driver.load({ filesystem: { key: 'a/b/c' } })).rejects.toMatchObject({ name: 'ArtifactNotFoundError' });
    await driver.delete({ filesystem: { key: 'a/b/c' } });
    expect(await driver.head({ filesystem: { key: 'a/b' } })).toMatchObject({ sizeBytes: 1 });
  });

  it('removes uploads that nobody finished for a day, and only those', async () => {
    await mkdir(path.join(root, '.argosy/incoming'), { recursive: true });
    for (const name of ['old', 'young']) await writeFile(path.join(root, '.argosy/incoming', name), 'half');
    const longAgo = new Date(Date.now() - 2 * DAY_MS);
    await utimes(path.join(root, '.argosy/incoming/old'), longAgo, longAgo);
    await save('any');
    expect(await incoming(root)).toEqual(['young']);
  });

  it('makes its root on first use and says that nothing is there', async () => {
    const fresh = new FilesystemArtifactDriver(path.join(base, 'not/yet'), clock);
    await expect(fresh.load({ filesystem: { key: 'k' } })).rejects.toMatchObject({ name: 'ArtifactNotFoundError' });
  });

  it('shows no object after a SIGKILL in the middle of a save', async () => {
    const child = spawnTypeScript(fileURLToPath(new URL('../../../testing/src/children/endless-save.ts', import.meta.url)), {
      args: [root, 'killed'],
    });
    await once(child.stdout!, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await driver.head({ filesystem: { key: 'killed' } })).toBeUndefined();
    expect((await readdir(root)).sort()).toEqual(['.argosy']);
    await save('killed', 'again');
    expect(await driver.head({ filesystem: { key: 'killed' } })).toMatchObject({ sizeBytes: 5 });
  });
});
