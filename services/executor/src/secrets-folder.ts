import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { SecretReader } from '#libs/artifacts';

/** Reads Secrets from a folder as Kubernetes mounts them: `<folder>/<name>/<key>`. Undefined where there is no such file. */
export function secretsInFolder(folder: string): SecretReader {
  return async ({ name, key, encoding = 'utf8' }) => {
    if (![name, key].every(isName)) return undefined;
    return readFile(path.join(folder, name, key), encoding).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
  };
}

function isName(text: string): boolean {
  return /^[-._a-zA-Z0-9]+$/.test(text) && text !== '.' && text !== '..';
}
