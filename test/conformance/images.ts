import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { writeCowsay } from './cowsay.js';
import { makeNginxImage } from './nginx-image.js';
import { makePythonImage } from './python-image.js';

interface Entry {
  root?: string;
  absent?: string[];
}

/** A recording whose image, the executor's own, has no shell, although the host has one. */
const WITHOUT_SHELL = '../e2e/e-functional-json-argument.json';

interface Recorded {
  workflow: { spec: { templates: { container: { image: string } }[] } };
}

const imageWithoutShell = async (recorded: string): Promise<Record<string, Entry>> => {
  const text = await readFile(path.resolve(path.dirname(recorded), WITHOUT_SHELL), 'utf8');
  const image = (JSON.parse(text) as Recorded).workflow.spec.templates[0]?.container.image;
  return image === undefined ? {} : { [image]: { absent: ['sh'] } };
};

/** Writes the recorder's images, and those that lack something, as one file into `folder`; gives its path. */
export const writeImages = async (recorded: string, folder: string): Promise<string> => {
  const entries = Object.entries(parse(await readFile(recorded, 'utf8')) as Record<string, Entry>);
  const rooted = entries.map(([name, entry]): [string, Entry] => [
    name,
    entry.root === undefined ? entry : { ...entry, root: path.resolve(path.dirname(recorded), entry.root) },
  ]);
  const cow = path.join(folder, 'cow-image');
  await writeCowsay(cow);
  const cows = rooted.filter(([, { root }]) => root?.endsWith('/cowsay')).map(([name, entry]) => [name, { ...entry, root: cow }]);
  const python = await makePythonImage(folder);
  const pythons =
    python === undefined ? [] : rooted.filter(([name]) => name.startsWith('python:')).map(([name]) => [name, python]);
  const file = path.join(folder, 'images.yaml');
  await writeFile(
    file,
    stringify({
      ...Object.fromEntries([...rooted, ...cows, ...pythons]),
      ...(await imageWithoutShell(recorded)),
      'nginx:1.13': await makeNginxImage(folder),
    }),
  );
  return file;
};
