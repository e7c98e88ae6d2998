import type { IncomingMessage } from 'node:http';
import { TransientError } from '#libs/workflow-spec';
import { collectionPath, type CollectionAddress } from '../addresses.js';
import { errorOfAnswer, KubernetesExpiredError } from '../errors.js';
import type { KubernetesApi } from '../kubernetes-api.js';
import type { ApiObject, Selection } from '../objects.js';
import { backoffMs, pause } from '../request/patience.js';
import { watchLines } from './watch-lines.js';

/** What has happened to an object. */
export interface ObjectEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: T;
}

/** A watch from a version on. */
export interface WatchOptions<T extends ApiObject> extends Selection {
  /** Exclusive; absent or '': from now on, after an ADDED for every object that is there. */
  resourceVersion?: string;
  /** Drops what the caller does not need, before anything else is held; name, namespace, uid and version stay. */
  trim?: (object: ApiObject) => T;
  signal: AbortSignal;
  /** Told once when the server cannot be reached, again after it was there. */
  onTrouble?: (error: Error) => void;
  /** A watch that says nothing for so long is a dead connection, whatever the network says; default 100 s. */
  silenceMs?: number;
  /** The version up to which everything has been told; after events and, while nothing happens, about once a minute. */
  onProgress?: (resourceVersion: string) => void;
}

/** After which time the server ends a watch; one of them differs from the next. */
const WATCH_SECONDS = { least: 240, spread: 120 };
/** The server sends a bookmark every minute at least. */
const SILENCE_MS = 100_000;
export const TROUBLE_PAUSE = { firstMs: 250, maxMs: 10_000 };

interface WireEvent {
  type: ObjectEvent<unknown>['type'] | 'BOOKMARK' | 'ERROR';
  object: ApiObject & { code?: number; reason?: string; message?: string };
}

/**
 * Events after a version. It goes on by itself when the server ends the watch, restarts or is away, from the last version that was told or
 * bookmarked; it holds one event at a time and reads the next when that one was taken. Ends when the signal aborts; throws
 * KubernetesExpiredError where the server no longer knows what happened since (410), and what else the server refuses.
 */
export async function* watchObjects<T extends ApiObject = ApiObject>(
  api: KubernetesApi,
  address: CollectionAddress,
  options: WatchOptions<T>,
): AsyncGenerator<ObjectEvent<T>> {
  const { signal, onProgress } = options;
  const trim = trimOf(options);
  let version = options.resourceVersion ?? '';
  let isAway = false;
  // Watches in a row that told nothing.
  let silent = 0;
  while (!signal.aborted) {
    try {
      for await (const event of eventsOnce(api, address, { ...options, resourceVersion: version })) {
        silent = 0;
        isAway = false;
        if (event.type === 'ERROR') throw errorOfEvent(event);
        version = event.object.metadata.resourceVersion ?? version;
        if (event.type !== 'BOOKMARK') yield { type: event.type, object: trim(event.object) };
        onProgress?.(version);
        if (signal.aborted) return;
      }
    } catch (error) {
      if (!passes(error, signal)) throw error;
      if (!isAway && !signal.aborted) options.onTrouble?.(error);
      isAway = true;
    }
    // The server ends a watch when its time is over; one that ends or fails without an event is not asked again at once.
    await pause(silent === 0 ? 0 : backoffMs(silent - 1, TROUBLE_PAUSE), signal);
    silent += 1;
  }
}

/** What the caller makes of each object. */
export const trimOf = <T extends ApiObject>({ trim }: Pick<WatchOptions<T>, 'trim'>): ((object: ApiObject) => T) =>
  trim ?? ((object) => object as T);

const passes = (error: unknown, signal: AbortSignal): error is Error => signal.aborted || error instanceof TransientError;

const errorOfEvent = ({ object }: WireEvent): Error =>
  errorOfAnswer({ httpStatus: object.code ?? 500, reason: object.reason ?? '', message: object.message ?? 'the watch failed' });

async function* eventsOnce<T extends ApiObject>(
  api: KubernetesApi,
  address: CollectionAddress,
  { resourceVersion, labelSelector, fieldSelector, signal, silenceMs = SILENCE_MS }: WatchOptions<T>,
): AsyncGenerator<WireEvent> {
  const timeoutSeconds = Math.round(WATCH_SECONDS.least + Math.random() * WATCH_SECONDS.spread);
  const answer = await api.stream({
    method: 'GET',
    path: collectionPath(address),
    query: { watch: true, allowWatchBookmarks: true, timeoutSeconds, resourceVersion, labelSelector, fieldSelector },
    silenceMs,
    signal,
  });
  try {
    for await (const line of watchLines(bytesOf(answer))) yield JSON.parse(line) as WireEvent;
  } finally {
    answer.destroy();
  }
}

async function* bytesOf(answer: IncomingMessage): AsyncGenerator<Buffer> {
  answer.socket.setKeepAlive(true, 30_000);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw new TransientError(`the watch broke off: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether the server no longer knows the version or the page that was asked for. */
export const isExpired = (error: unknown): boolean => error instanceof KubernetesExpiredError;
