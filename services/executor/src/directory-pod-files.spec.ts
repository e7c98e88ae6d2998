import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DirectoryPodFiles } from './directory-pod-files.js';

let base: string;
let root: string;
let files: DirectoryPodFiles;
const content = async (containerPath: string): Promise<string | null> => {
  const hostPath = await files.capturedPath(containerPath);
  return hostPath === null ? null : readFile(hostPath, 'utf8');
};

beforeEach(async () => {
  base = await realpath(await mkdtemp(path.join(tmpdir(), 'pod-files-')));
  root = path.join(base, 'root');
  await mkdir(path.join(root, 'real'), { recursive: true });
  await writeFile(path.join(base, 'secret'), 'of the host');
  await writeFile(path.join(root, 'real/p'), 'inside');
  files = new DirectoryPodFiles({ rootFolder: root });
});
afterEach(() => rm(base, { recursive: true, force: true }));

describe('the files of a pod as folders', () => {
  it('resolve links as the container would', async () => {
    await symlink('/real', path.join(root, 'absolute'));
    await symlink('../../../..', path.join(root, 'up'));
    await symlink('absolute/p', path.join(root, 'chain'));
    for (const file of ['/real/p', '/absolute/p', '/up/real/p', '/../../real/p', '/chain', '/./real//p']) {
      expect(await content(file)).toBe('inside');
    }
  });

  it('have nothing where a link leads to nothing, in circles, or to a file of the host', async () => {
    await symlink('loop', path.join(root, 'loop'));
    await symlink('../secret', path.join(root, 'out'));
    await symlink(path.join(base, 'secret'), path.join(root, 'away'));
    for (const file of ['/nothing', '/loop', '/out', '/away', '/real/p/below']) expect(await content(file)).toBeNull();
  });

  it('give room below their root for whatever path and links', async () => {
    const parts = fc.array(fc.constantFrom('..', '.', 'up', 'real', 'x', 'loop', 'away', ''), { minLength: 1, maxLength: 6 });
    await symlink('../../..', path.join(root, 'up'));
    await symlink(base, path.join(root, 'away'));
    await symlink('loop/loop', path.join(root, 'loop'));
    await fc.assert(
      fc.asyncProperty(parts, async (names) => {
        const given = await files.stagePath(`/${names.join('/')}`).catch(() => root);
        const parent = given === root ? root : await realpath(path.dirname(given));
        expect(parent === root || parent.startsWith(`${root}/`)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('read the end of the output and whole logs, and take missing logs for empty', async () => {
    await writeFile(path.join(base, 'main.log'), 'log');
    await writeFile(path.join(base, 'stdout'), '0123456789');
    const pod = new DirectoryPodFiles({ rootFolder: root, stdoutFile: path.join(base, 'stdout'), logsFolder: base });
    expect((await pod.stdoutTail(4)).toString()).toBe('6789');
    expect((await pod.stdoutTail(100)).toString()).toBe('0123456789');
    const log = async (container: string): Promise<string> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of pod.readLog(container)) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    expect([await log('main'), await log('side'), await log('../base/main')]).toEqual(['log', '', 'log']);
  });
});
