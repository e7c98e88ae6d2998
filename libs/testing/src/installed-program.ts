import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `scripts/install-test-parts.mjs` puts what it fetches or builds. */
export const TEST_PARTS = join(
  resolve(dirname(fileURLToPath(import.meta.url)), '../../..'),
  'node_modules',
  '.cache',
  'test-parts',
);

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first program of one of these names in the folders of PATH, then in those given; undefined where there is none. */
export function installedProgram(names: readonly string[], moreFolders: readonly string[] = []): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...moreFolders];
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}
