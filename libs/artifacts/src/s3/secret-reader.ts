import type { SecretReader } from './s3-settings.js';

/** What is asked of the store of resources; that of libs/resources fits. */
export interface SecretSource {
  get(key: { kind: string; namespace: string; name: string }): Promise<{ [field: string]: unknown }>;
}

/** Reads keys of Secrets (`data`, base64) from the store of resources; undefined where the Secret or the key is missing. */
export function secretsFrom(resources: SecretSource): SecretReader {
  return async ({ namespace, name, key }) => {
    const secret = await resources.get({ kind: 'Secret', namespace, name }).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'ResourceNotFoundError') return undefined;
      throw error;
    });
    return textOf(secret?.stringData, key) ?? decoded(textOf(secret?.data, key));
  };
}

function textOf(entries: unknown, key: string): string | undefined {
  if (entries === null || typeof entries !== 'object' || !Object.hasOwn(entries, key)) return undefined;
  const value = (entries as { [key: string]: unknown })[key];
  return typeof value === 'string' ? value : undefined;
}

function decoded(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}
