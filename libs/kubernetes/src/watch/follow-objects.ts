import { TransientError } from '#libs/workflow-spec';
import type { CollectionAddress } from '../addresses.js';
import type { KubernetesApi } from '../kubernetes-api.js';
import type { ApiObject } from '../objects.js';
import { backoffMs, pause } from '../request/patience.js';
import { isExpired, type ObjectEvent, trimOf, TROUBLE_PAUSE, watchObjects, type WatchOptions } from './watch-objects.js';

/**
 * What a follower is told: changes, objects that were found to be gone (only who they were), and that a whole list has been told. `isListed`:
 * found in a list, so the object may have changed more than once since it was told last.
 */
export type FollowEvent<T> =
  | (ObjectEvent<T> & { isListed?: boolean })
  | { type: 'MISSED_DELETION'; identity: ObjectIdentity }
  | { type: 'SYNCED'; resourceVersion: string };

/** Who an object was. */
export interface ObjectIdentity {
  namespace: string;
  name: string;
  uid: string;
}

/** How a collection is followed. */
export interface FollowOptions<T extends ApiObject> extends Omit<WatchOptions<T>, 'resourceVersion' | 'onProgress'> {
  /** Objects of one page of a list; default 500. */
  pageSize?: number;
}

interface Known extends ObjectIdentity {
  version: string;
  /** In which pass over the list it was seen last. */
  pass: number;
}

/** What a follower holds. A pass is one reading of the list, whole or broken off. */
interface Memory {
  objects: Map<string, Known>;
  pass: number;
}

/**
 * A collection for as long as the signal does not abort: a list, then what changes, then a list again when the server has forgotten
 * (410). A list tells ADDED for what is new, MODIFIED for what is in another version than before, nothing for what is the same, and
 * MISSED_DELETION for what has gone meanwhile; SYNCED comes after each. Of each object only its identity and version stay in memory.
 * Trouble that passes is waited for; what the server refuses otherwise (403) is thrown.
 */
export async function* followObjects<T extends ApiObject = ApiObject>(
  api: KubernetesApi,
  address: CollectionAddress,
  options: FollowOptions<T>,
): AsyncGenerator<FollowEvent<T>> {
  const memory: Memory = { objects: new Map(), pass: 0 };
  while (!options.signal.aborted) {
    const resourceVersion = yield* listed(api, address, { options, memory });
    if (resourceVersion === undefined) return;
    try {
      for await (const event of watchObjects<T>(api, address, { ...options, resourceVersion })) {
        remember(memory, event);
        yield event;
      }
    } catch (error) {
      if (!isExpired(error)) throw error;
    }
  }
}

interface Listing<T extends ApiObject> {
  options: FollowOptions<T>;
  memory: Memory;
}

/** Tells a whole list; gives its version, or undefined where the signal aborted. */
async function* listed<T extends ApiObject>(
  api: KubernetesApi,
  address: CollectionAddress,
  listing: Listing<T>,
): AsyncGenerator<FollowEvent<T>, string | undefined> {
  const { options, memory } = listing;
  for (let failures = 0; !options.signal.aborted; failures += 1) {
    try {
      const resourceVersion = yield* listedOnce(api, address, listing);
      for (const [key, gone] of memory.objects) {
        if (gone.pass === memory.pass) continue;
        memory.objects.delete(key);
        yield { type: 'MISSED_DELETION', identity: identityOf(gone) };
      }
      yield { type: 'SYNCED', resourceVersion };
      return resourceVersion;
    } catch (error) {
      if (options.signal.aborted) return undefined;
      if (!(error instanceof TransientError) && !isExpired(error)) throw error;
      if (failures === 0) options.onTrouble?.(error as Error);
      await pause(backoffMs(failures, TROUBLE_PAUSE), options.signal);
    }
  }
  return undefined;
}

async function* listedOnce<T extends ApiObject>(
  api: KubernetesApi,
  address: CollectionAddress,
  { options, memory }: Listing<T>,
): AsyncGenerator<FollowEvent<T>, string> {
  const { labelSelector, fieldSelector, signal, pageSize: limit } = options;
  const trim = trimOf(options);
  let resourceVersion = '';
  memory.pass += 1;
  for await (const page of api.pages(address, { labelSelector, fieldSelector, limit, signal })) {
    ({ resourceVersion } = page);
    for (const item of page.items) {
      const namesake = memory.objects.get(keyOf(item));
      const before = namesake?.uid === item.metadata.uid ? namesake : undefined;
      if (namesake !== undefined && before === undefined) yield { type: 'MISSED_DELETION', identity: identityOf(namesake) };
      const event = { type: before === undefined ? 'ADDED' : 'MODIFIED', object: trim(item), isListed: true } as const;
      remember(memory, event, item);
      if (before?.version !== item.metadata.resourceVersion) yield event;
    }
  }
  return resourceVersion;
}

const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

const identityOf = ({ namespace, name, uid }: ObjectIdentity): ObjectIdentity => ({ namespace, name, uid });

const remember = <T extends ApiObject>(
  { objects, pass }: Memory,
  { type, object }: ObjectEvent<T>,
  { metadata }: ApiObject = object,
): void => {
  if (type === 'DELETED') return void objects.delete(keyOf(object));
  objects.set(keyOf(object), {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    version: metadata.resourceVersion ?? '',
    pass,
  });
};
