import { readFile } from 'node:fs/promises';

import { ArtifactAccessError } from '../errors.js';

/** The token that the platform keeps fresh in a file; read each time, as it is replaced while a program runs. */
export async function tokenInFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new ArtifactAccessError(`the token of this machine cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
