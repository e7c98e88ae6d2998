import type { SecretReader } from '#libs/artifacts';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';

/** Reads one key of a Secret, for drivers that need credentials; undefined where there is none. Never logged, never answered. */
export function secretReader(resources: ResourceStore): SecretReader {
  return async ({ namespace, name, key }) => {
    try {
      const secret = await resources.get({ kind: 'Secret', namespace, name });
      const value = (secret['data'] as Record<string, unknown> | undefined)?.[key];
      return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    }
  };
}
