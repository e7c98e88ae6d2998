import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY_ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * Where recordings that are not part of the repository lie: ARGOSY_SHARED, or `shared` next to the repository.
 * Undefined where there are none; tests that need them skip themselves and say so (`sharedFolderHint`).
 */
export const sharedFolder = (...parts: string[]): string | undefined => {
  const folder = join(process.env['ARGOSY_SHARED'] ?? join(REPOSITORY_ROOT, '..', 'shared'), ...parts);
  return existsSync(folder) ? folder : undefined;
};

/** The line with which such a test explains why it was skipped. */
export const sharedFolderHint = (...parts: string[]): string =>
  `skipped: no ${['shared', ...parts].join('/')} next to the repository (set ARGOSY_SHARED)`;
