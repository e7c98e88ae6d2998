import { setTimeout as sleep } from 'node:timers/promises';

import { type ApiObject, followObjects, type FollowEvent, type KubernetesApi } from '#libs/kubernetes';
import type { JsonValue } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { PodSelection } from './cluster-pods.js';
import { observedPod } from './observed-pod.js';

/** Of a watched pod only what is read stays in memory: an ObservedPod, null for a stranger's. */
export type WatchedPod = ApiObject & { pod: JsonValue };

export interface PodFollowerParts {
  api: KubernetesApi;
  /** The pods of these shards, or all. */
  selection: (shards: ShardSet) => PodSelection;
  logger: RuntimeLogger;
  hear: (event: FollowEvent<WatchedPod>) => void;
}

export type ShardSet = readonly number[] | 'all';

const WATCH_PAUSE_MS = 5_000;

/** One list with its watch. */
interface Following {
  shards: ShardSet;
  ending: AbortController;
  done: Promise<void>;
}

/**
 * Follows pods by one watch. States: *idle*, *listing* the first selection, *following*, and *changing*: another selection is listed beside the one that is followed,
 * and takes its place when it has been told as a whole. So a change loses no moment; what both tell meanwhile is told twice.
 */
export class PodFollower {
  private current: Following | undefined;
  private next: Following | undefined;

  constructor(private readonly parts: PodFollowerParts) {}

  /** Resolves with true when these shards are followed and no others, with false where another call or the end came first. */
  async follow(shards: ShardSet): Promise<boolean> {
    this.next?.ending.abort();
    this.next = undefined;
    if (String(this.current?.shards ?? []) === String(shards)) return true;
    if (shards.length === 0) {
      this.current?.ending.abort();
      this.current = undefined;
      return true;
    }
    const ending = new AbortController();
    const following: Following = { shards, ending, done: Promise.resolve() };
    this.next = following;
    const isListed = await new Promise<boolean>((resolve) => {
      ending.signal.addEventListener('abort', () => resolve(false), { once: true });
      following.done = this.run(shards, ending.signal, () => resolve(true));
    });
    if (!isListed) return false;
    this.current?.ending.abort();
    this.current = following;
    this.next = undefined;
    return true;
  }

  /** Whether what happens in the shard is told here, or about to be. */
  covers(shard: number): boolean {
    return [this.current, this.next].some(
      (following) => following !== undefined && (following.shards === 'all' || following.shards.includes(shard)),
    );
  }

  async close(): Promise<void> {
    const open = [this.current, this.next].filter((following) => following !== undefined);
    for (const { ending } of open) ending.abort();
    await Promise.all(open.map(({ done }) => done));
  }

  private async run(shards: ShardSet, signal: AbortSignal, onListed: () => void): Promise<void> {
    const { api, logger, hear, selection } = this.parts;
    const { address, labelSelector } = selection(shards);
    const onTrouble = (error: Error): void => logger.warn('pods cannot be watched; trying again', { err: error });
    while (!signal.aborted) {
      try {
        for await (const event of followObjects<WatchedPod>(api, address, { labelSelector, signal, trim: watched, onTrouble })) {
          if (signal.aborted) return;
          hear(event);
          if (event.type === 'SYNCED') onListed();
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.error('pods cannot be watched', { err: error });
        await sleep(WATCH_PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

const watched = ({ apiVersion, kind, metadata, ...rest }: ApiObject): WatchedPod => {
  const { name, namespace = '', uid = '', resourceVersion = '' } = metadata;
  const pod = observedPod({ apiVersion, kind, metadata, ...rest }) ?? null;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion }, pod: pod as unknown as JsonValue };
};
