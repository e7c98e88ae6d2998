import type { LimitKey } from '#libs/engine';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import type { SyncLimitRepository } from '#libs/store';

/** Reads limits of semaphores where they are written; undefined where there is none, or it is no number. Throws TransientError. */
export const limitReader =
  (resources: Pick<ResourceStore, 'get'>, syncLimits: Pick<SyncLimitRepository, 'get'>) =>
  async (key: LimitKey): Promise<number | undefined> => {
    if (key.kind === 'syncLimit') return syncLimits.get(key.namespace, key.key);
    const text = await configMapText(resources, key);
    return text !== undefined && /^\+?\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
  };

async function configMapText(
  resources: Pick<ResourceStore, 'get'>,
  { namespace, name, key }: Extract<LimitKey, { kind: 'configMapKey' }>,
): Promise<string | undefined> {
  try {
    const { data } = await resources.get({ kind: 'ConfigMap', namespace, name });
    return (data as Record<string, string> | undefined)?.[key];
  } catch (error) {
    if (error instanceof ResourceNotFoundError) return undefined;
    throw error;
  }
}
