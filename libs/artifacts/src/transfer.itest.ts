import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { outcomeOf, spawnTypeScript } from '#libs/testing';

const CHILD = fileURLToPath(new URL('../../testing/src/children/large-transfer.ts', import.meta.url));
const MIB = 1024 ** 2;
const FILE_MIB = 50;

describe('moving 100 MiB', () => {
  let base: string;
  beforeAll(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'large-'));
    await mkdir(path.join(base, 'out'));
    for (const name of ['a', 'b']) {
      const handle = await open(path.join(base, 'out', name), 'w');
      for (let index = 0; index < FILE_MIB; index += 1) await handle.write(randomBytes(MIB));
      await handle.close();
    }
  });
  afterAll(() => rm(base, { recursive: true, force: true }));

  it.each(['tar', 'zip', 'none'])('through %s needs a small part of that as memory', async (strategy) => {
    await rm(path.join(base, 'store'), { recursive: true, force: true });
    const { exitCode, stdout, stderr } = await outcomeOf(spawnTypeScript(CHILD, { args: [base, strategy] }));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { outcome, grownBytes } = JSON.parse(stdout) as { outcome: string; grownBytes: number };
    expect(outcome).toBe('loaded');
    expect(grownBytes).toBeLessThan(80 * MIB);
    expect((await stat(path.join(base, 'in/b'))).size).toBe(FILE_MIB * MIB);
  });
});
