import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from '#libs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { argosy } from '../harness/program.js';
import { writeFiles } from './files.js';
import { newFolder, processesNaming, UpProcess, whyNotBuilt } from './stack.js';

const reason = whyNotBuilt();

describe.skipIf(reason !== undefined)(`the life of the one process ${reason ?? ''}`, () => {
  let folder: string;
  const file = (name: string): string => path.join(folder, name);
  beforeEach(async () => {
    folder = await newFolder();
    await writeFiles(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const nothingRuns = async (): Promise<void> => {
    let left: string[] = [];
    await eventually(
      async () => (left = await processesNaming(folder)).length === 0,
      () => `no process is left; ${left.join('\n')}`,
      20_000,
    );
  };

  it('ends cleanly when interrupted, and leaves no process behind', async () => {
    const up = await UpProcess.start(path.join(folder, 'a b'));
    await up.cli('submit', file('sleeps.yaml'));
    expect(await up.end('SIGINT')).toBe(0);
    await nothingRuns();
  });

  it('goes on after a crash with what it did before', async () => {
    const state = path.join(folder, 'state');
    const first = await UpProcess.start(state);
    const name = (await first.cli('submit', file('slow.yaml'), '-o', 'name')).stdout.trim();
    await first.cli('submit', file('greet.yaml'), '--wait');
    await first.end('SIGKILL');
    const second = await UpProcess.start(state);
    try {
      expect((await second.cli('list', '-o', 'name')).stdout).toContain('greet\n');
      expect((await second.cli('wait', name)).stdout).toMatch(/ Succeeded at /);
    } finally {
      expect(await second.end('SIGTERM')).toBe(0);
    }
    await nothingRuns();
  });

  it('runs one workflow without a server, tells how it ended, and leaves nothing behind', async () => {
    const env = { TMPDIR: path.join(folder) };
    const before = await readdir(folder);
    const good = await argosy(['run', file('greet.yaml'), '-p', 'who=run', '--runtime', 'sandbox'], env);
    expect(good).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^greet: hello run\.\n\nName: +greet\n/) as unknown,
    });
    const bad = await argosy(['run', file('fails.yaml'), '--runtime', 'sandbox'], env);
    expect(bad).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('✖ broken') as unknown });
    expect(await readdir(folder)).toEqual(before);
    await nothingRuns();
  });

  it('says where it looked for a server when there is none', async () => {
    const { exitCode, stderr } = await argosy(['list'], { ARGO_SERVER: '127.0.0.1:1' });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/^argosy: no server answers at http:\/\/127\.0\.0\.1:1 .*argosy up/) as unknown,
    });
  });
});
