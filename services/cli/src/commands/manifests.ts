import { readFile } from 'node:fs/promises';
import { parseManifests, UserError } from '#libs/workflow-spec';

/** One document of a file. */
export interface ManifestDocument {
  file: string;
  /** Counts the documents of the file from 1. */
  document: number;
  object: Record<string, unknown> & { kind?: string; apiVersion?: string; metadata?: { name?: string; namespace?: string } };
}

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads YAML or JSON from a path, or from standard input for `-`. */
const readManifestText = async (file: string): Promise<string> => {
  if (file !== '-') {
    return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UserError(error.code === 'ENOENT' ? `${file}: no such file` : `${file}: ${error.message}`);
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

/** A file as text, and its documents. Throws UserError that names the file and the place. */
export const readManifestFile = async (file: string): Promise<{ text: string; documents: ManifestDocument[] }> => {
  const text = await readManifestText(file);
  try {
    const manifests = parseManifests(text, { maxBytes: MAX_BYTES });
    return { text, documents: manifests.map(({ document, value }) => ({ file, document, object: objectOf(value) })) };
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${file}: ${error.message}`, { cause: error }) : error;
  }
};

/** All documents of the files, in order. Throws UserError that names the file and the place. */
export const readManifests = async (files: readonly string[]): Promise<ManifestDocument[]> => {
  const documents: ManifestDocument[] = [];
  for (const file of files) documents.push(...(await readManifestFile(file)).documents);
  return documents;
};

const objectOf = (value: unknown): ManifestDocument['object'] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UserError('a document is not an object');
  return value as ManifestDocument['object'];
};

/** `name=value` texts out of a YAML or JSON object of parameter values. Throws UserError where it is no such object. */
export const readParameterFile = async (file: string): Promise<string[]> => {
  const documents = await readManifests([file]);
  return documents.flatMap(({ object }) =>
    Object.entries(object).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  );
};
