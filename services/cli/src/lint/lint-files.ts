import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '#libs/workflow-spec';
import { type ManifestDocument, readManifestFile } from '../commands/manifests.js';

/** A file that was read, or why it could not be. */
export interface LintFile {
  file: string;
  text: string;
  documents: ManifestDocument[];
  problem?: UserError;
}

const MANIFEST = /\.(?:ya?ml|json)$/i;

const filesBelow = async (place: string): Promise<string[]> => {
  if (place === '-') return [place];
  const found = await stat(place).catch(() => undefined);
  if (!found?.isDirectory()) return [place];
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && MANIFEST.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
};

/** The files and folders given, folders with all YAML and JSON files below them. A file that cannot be read is given with its problem. */
export const readLintFiles = async (places: readonly string[]): Promise<LintFile[]> => {
  const files = (await Promise.all(places.map(filesBelow))).flat();
  const read: LintFile[] = [];
  for (const file of files) {
    try {
      read.push({ file, ...(await readManifestFile(file)) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      read.push({ file, text: '', documents: [], problem: error });
    }
  }
  return read;
};
