import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';

const INTERPRETER = '/usr/bin/python3';

/**
 * Makes a stand-in for the images of Python below `folder`, where the host has only a `python3`; gives what the image catalogue says of it, or
 * undefined where the host has none either.
 */
export const makePythonImage = async (folder: string): Promise<{ root: string; cmd: string[] } | undefined> => {
  if (!existsSync(INTERPRETER)) return undefined;
  const root = path.join(folder, 'python-image');
  const programs = path.join(root, 'usr', 'local', 'bin');
  await mkdir(programs, { recursive: true });
  for (const name of ['python', 'python3']) await symlink(INTERPRETER, path.join(programs, name));
  return { root, cmd: ['python3'] };
};
