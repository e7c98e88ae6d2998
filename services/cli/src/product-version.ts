import { readFileSync } from 'node:fs';

/** The package's version; this file lies at the same depth in the sources and in the build, one folder deeper there. */
const packageFile = ['../../../package.json', '../../../../package.json']
  .map((path) => new URL(path, import.meta.url))
  .find(isOurs);

function isOurs(url: URL): boolean {
  try {
    return (JSON.parse(readFileSync(url, 'utf8')) as { name?: string }).name === 'argosy';
  } catch {
    return false;
  }
}

export const PRODUCT_VERSION: string = packageFile
  ? (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version
  : 'unknown';
