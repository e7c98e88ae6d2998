import { isDeepStrictEqual } from 'node:util';
import {
  type ApiObject,
  type KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesExpiredError,
  KubernetesNotFoundError,
  StatusParts,
  watchObjects,
} from '#libs/kubernetes';
import { API_VERSION, InvalidArgumentError } from '#libs/workflow-spec';
import type { Resource, ResourceEvent, ResourceKey, ResourceListOptions, ResourcePage, ResourceStore } from '../contract.js';
import { ResourceConflictError, ResourceExistsError, ResourceExpiredError, ResourceNotFoundError } from '../errors.js';
import { keyOf } from '../stored-object.js';
import { addressOf, collectionOf, isClusterScoped } from './object-kinds.js';

interface StoreLogger {
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** What the store on a cluster is wired from. */
export interface KubernetesResourceStoreOptions {
  api: KubernetesApi;
  /** The only namespace that this installation looks into; absent: all. */
  managedNamespace?: string | undefined;
  logger?: StoreLogger;
}

/** Writers that gave no version and met another one try again this often. */
const REPLACE_ATTEMPTS = 5;

/**
 * ResourceStore on the API server of a cluster. A watch tells every change; it goes on by itself while the server is away, and one event at a time
 * is in memory. Managed fields are left out of everything that is given. Where a kind has its status as a part of its own, what is written of it is
 * written after the rest: dying between the two, the status is the one before.
 */
export class KubernetesResourceStore implements ResourceStore {
  private readonly statusParts: StatusParts;

  constructor(private readonly options: KubernetesResourceStoreOptions) {
    this.statusParts = new StatusParts(options.api, API_VERSION);
  }

  get(key: ResourceKey): Promise<Resource> {
    return about(key, async () => withoutManagedFields(await this.options.api.get<ApiObject>(addressOf(key))));
  }

  async list(kind: string, namespace: string, options: ResourceListOptions = {}): Promise<ResourcePage> {
    const { labelSelector, limit, continueToken } = options;
    const key = { kind, namespace, name: '' };
    return about(key, async () => {
      const page = await this.options.api.list(this.collection(kind, namespace), {
        labelSelector: labelSelector || undefined,
        limit: limit !== undefined && limit > 0 ? limit : undefined,
        continueToken: continueToken || undefined,
      });
      return { ...page, items: page.items.map(withoutManagedFields) };
    });
  }

  create(resource: Resource): Promise<Resource> {
    const key = keyOf(resource);
    return about(key, async () => {
      const made = await this.options.api.create<ApiObject>(collectionOf(key.kind, key.namespace), resource);
      return withoutManagedFields(await this.withStatusOf(key, resource, made));
    });
  }

  async update(resource: Resource): Promise<Resource> {
    const key = keyOf(resource);
    if (resource.metadata.resourceVersion) return this.replace(key, resource);
    for (let attempt = 1; ; attempt += 1) {
      const { resourceVersion } = (await this.get(key)).metadata;
      try {
        const metadata = { ...resource.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
        return await this.replace(key, { ...resource, metadata });
      } catch (error) {
        const isOther = resource.metadata.uid !== undefined;
        if (!(error instanceof ResourceConflictError) || isOther || attempt === REPLACE_ATTEMPTS) throw error;
      }
    }
  }

  delete(key: ResourceKey): Promise<void> {
    return about(key, async () => void (await this.options.api.delete(addressOf(key), { propagation: 'Background' })));
  }

  async *watch(
    kind: string,
    namespace: string,
    { resourceVersion, signal }: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<ResourceEvent> {
    const { api, logger } = this.options;
    const collection = this.collection(kind, namespace);
    const key = { kind, namespace, name: '' };
    if (resourceVersion && !/^\d+$/.test(resourceVersion))
      throw new InvalidArgumentError(`resource version ${JSON.stringify(resourceVersion.slice(0, 40))} is not valid`);
    if (signal.aborted) return;
    const from = resourceVersion || (await about(key, () => api.list(collection, { limit: 1 }))).resourceVersion;
    const onTrouble = (error: Error): void =>
      logger?.warn('a watch of the cluster waits', { kind, namespace, error: error.message });
    try {
      for await (const { type, object } of watchObjects(api, collection, { resourceVersion: from, signal, onTrouble })) {
        yield { type, object: withoutManagedFields(object) };
      }
    } catch (error) {
      throw storeError(key, error, Number(from));
    }
  }

  private collection(kind: string, namespace: string): ReturnType<typeof collectionOf> {
    const { managedNamespace = '' } = this.options;
    return collectionOf(kind, namespace === '' && !isClusterScoped(kind) ? managedNamespace : namespace);
  }

  private replace(key: ResourceKey, resource: Resource): Promise<Resource> {
    return about(key, async () => {
      const replaced = await this.options.api.update<ApiObject>(addressOf(key), resource);
      return withoutManagedFields(await this.withStatusOf(key, resource, replaced));
    });
  }

  private async withStatusOf(key: ResourceKey, { status }: Resource, written: ApiObject): Promise<ApiObject> {
    const address = addressOf(key);
    const isWritten = status === undefined || address.apiVersion !== API_VERSION || isDeepStrictEqual(status, written['status']);
    if (isWritten || !(await this.statusParts.has(address.plural))) return written;
    return this.options.api.update<ApiObject>({ ...address, subresource: 'status' }, { ...written, status });
  }
}

const withoutManagedFields = (object: ApiObject): Resource => {
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
};

const about = async <T>(key: ResourceKey, call: () => Promise<T>): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    throw storeError(key, error);
  }
};

/** The store's own errors, which say no more than the object's name. */
const storeError = (key: ResourceKey, error: unknown, version = 0): unknown => {
  if (error instanceof KubernetesNotFoundError && key.name !== '') return new ResourceNotFoundError(key);
  if (error instanceof KubernetesExistsError) return new ResourceExistsError(key);
  if (error instanceof KubernetesConflictError) return new ResourceConflictError(key);
  if (error instanceof KubernetesExpiredError) return new ResourceExpiredError(version, version + 1);
  return error;
};
