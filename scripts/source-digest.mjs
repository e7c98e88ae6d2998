// One digest over names, sizes and times of all sources: cheap, and it changes whenever a build would.
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export const sourceDigest = async (root) => {
  const hash = createHash('sha256');
  for (const folder of ['libs', 'services']) {
    const names = (await readdir(join(root, folder), { recursive: true })).filter(
      (name) => name.endsWith('.ts') && !name.includes('node_modules'),
    );
    for (const name of names.sort()) {
      const { size, mtimeMs } = await stat(join(root, folder, name));
      hash.update(`${folder}/${name}:${size}:${mtimeMs}\n`);
    }
  }
  for (const name of ['scripts/build.mjs', 'tsconfig.json', 'package-lock.json'])
    hash.update(`${name}:${(await stat(join(root, name))).mtimeMs}\n`);
  return hash.digest('hex');
};
