import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { makeNginxImage } from './nginx-image.js';

interface Entry {
  root?: string;
  absent?: string[];
}

/** What recorded images have not, although the host has it: the executor's own image has no shell. */
const WITHOUT: Readonly<Record<string, Entry>> = { 'quay.io/argoproj/argoexec:latest': { absent: ['sh'] } };

/** Writes the recorder's images, and those that lack something, as one file into `folder`; gives its path. */
export const writeImages = async (recorded: string, folder: string): Promise<string> => {
  const entries = Object.entries(parse(await readFile(recorded, 'utf8')) as Record<string, Entry>);
  const rooted = entries.map(([name, entry]): [string, Entry] => [
    name,
    entry.root === undefined ? entry : { ...entry, root: path.resolve(path.dirname(recorded), entry.root) },
  ]);
  const file = path.join(folder, 'images.yaml');
  await writeFile(file, stringify({ ...Object.fromEntries(rooted), ...WITHOUT, 'nginx:1.13': await makeNginxImage(folder) }));
  return file;
};
