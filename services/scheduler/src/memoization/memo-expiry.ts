import type { MemoEntry } from '#libs/engine';
import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import { ResourceConflictError, ResourceNotFoundError, type Resource, type ResourceStore } from '#libs/resources';
import type { MemoRepository } from '#libs/store';
import { ConfigMapType, LabelName, type Clock } from '#libs/workflow-spec';

export interface MemoExpiryOptions {
  memos: Pick<MemoRepository, 'purgeUnused'>;
  resources: Pick<ResourceStore, 'list' | 'update'>;
  clock: Clock;
  logger: Logger;
  /** 0: nothing is ever forgotten. */
  intervalMs: number;
  /** An entry that nobody has asked for since so long is forgotten. */
  unusedMs: number;
}

const BATCH = 500;
const CACHES = `${LabelName.configMapType}=${ConfigMapType.Cache}`;

const isUnused = (text: string, beforeMs: number): boolean => {
  try {
    return Date.parse((JSON.parse(text) as MemoEntry).lastHitTimestamp) < beforeMs;
  } catch {
    // Written by hand: it is not ours to forget.
    return false;
  }
};

/** The ConfigMap without what nobody has asked for; undefined where all of it is wanted. */
const withoutUnused = (resource: Resource, beforeMs: number): Resource | undefined => {
  const texts = Object.entries((resource['data'] as Record<string, string> | undefined) ?? {});
  const kept = texts.filter(([, text]) => !isUnused(text, beforeMs));
  return kept.length === texts.length ? undefined : { ...resource, data: Object.fromEntries(kept) };
};

/** Forgets what nobody has asked for, in tables and in ConfigMaps (Argo's CACHE_GC_PERIOD). What a scheduler uses meanwhile stays. */
export const forgetUnused = async ({ memos, resources, clock, unusedMs }: MemoExpiryOptions): Promise<void> => {
  const beforeMs = clock.nowMs() - unusedMs;
  while ((await memos.purgeUnused({ beforeMs, limit: BATCH })) === BATCH);
  let continueToken: string | undefined;
  do {
    const page = await resources.list('ConfigMap', '', {
      labelSelector: CACHES,
      limit: BATCH,
      ...(continueToken === undefined ? {} : { continueToken }),
    });
    for (const resource of page.items) {
      const rest = withoutUnused(resource, beforeMs);
      if (rest !== undefined) await resources.update(rest).catch(ignoreChanged);
    }
    continueToken = page.continueToken;
  } while (continueToken !== undefined);
};

/** Somebody has just used or removed it: the next round looks again. */
const ignoreChanged = (error: unknown): void => {
  if (!(error instanceof ResourceConflictError) && !(error instanceof ResourceNotFoundError)) throw error;
};

/** The timer of it; undefined where nothing is to be forgotten. */
export const memoExpiryTimer = (options: MemoExpiryOptions): PeriodicTask | undefined =>
  options.intervalMs <= 0
    ? undefined
    : new PeriodicTask({
        name: 'memo-expiry',
        intervalMs: options.intervalMs,
        logger: options.logger,
        run: () => forgetUnused(options),
      });
