import type { IncomingMessage } from 'node:http';
import { collectionPath, type CollectionAddress, discoveryPath, type ObjectAddress, objectPath } from './addresses.js';
import { type CalledResource, calledResource } from './request/called-resource.js';
import { type AccountName, actingAs } from './connection/acting-as.js';
import type { ClusterConnection } from './connection/connection.js';
import { KubernetesNotFoundError, KubernetesUnavailableError } from './errors.js';
import type {
  ApiObject,
  DeleteOptions,
  KindOfObject,
  ListOptions,
  LogOptions,
  ObjectPage,
  PatchOptions,
  PatchType,
  WriteOptions,
} from './objects.js';
import { type ApiRequest, exchange, textOf } from './request/exchange.js';
import { Pace } from './request/pace.js';
import { pause } from './request/patience.js';

/** What one call was, for figures and for the test that compares calls with roles. */
export interface ApiCall extends CalledResource {
  method: ApiRequest['method'];
  path: string;
  /** 0 where no answer came. */
  httpStatus: number;
  durationMs: number;
}

export interface KubernetesApiOptions {
  connection: ClusterConnection;
  /** How many requests may be in flight, adapted to what the server says; watches and logs do not count. */
  pace?: Pace;
  /** Told of every answer. */
  onCall?: (call: ApiCall) => void;
  /** How often a request is sent in all that the server refuses as too many (429); default 5. */
  busyAttempts?: number;
}

/** As whom the API server notes us at the fields that we write. */
export const FIELD_MANAGER = 'argosy';
const BUSY_ATTEMPTS = 5;
/** A server that says "too many" without saying until when. */
const BUSY_PAUSE_MS = 1_000;
const METADATA_ONLY = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const CONTENT_TYPES: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/**
 * The API server, by address and without types of its own for kinds. Throws what errors.ts names: what the server refuses as a UserError,
 * what passes by itself as a TransientError. Requests are paced; a 429 is sent again, nothing else is.
 */
export class KubernetesApi {
  readonly connection: ClusterConnection;
  private readonly pace: Pace;
  private readonly kinds = new Map<string, Promise<KindOfObject[]>>();

  constructor(private readonly options: KubernetesApiOptions) {
    this.connection = options.connection;
    this.pace = options.pace ?? new Pace();
  }

  /** The same server within the same pace, with the rights of a service account (`actingAs`). */
  as(account: AccountName): KubernetesApi {
    return new KubernetesApi({ ...this.options, connection: actingAs(this.connection, account), pace: this.pace });
  }

  /** Any request; gives the parsed body. */
  async request<T = unknown>(request: ApiRequest): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.paced<T>(request);
      } catch (error) {
        const isBusy = error instanceof KubernetesUnavailableError && error.said.httpStatus === 429;
        if (!isBusy || attempt >= (this.options.busyAttempts ?? BUSY_ATTEMPTS)) throw error;
        await pause(error.retryAfterMs ?? BUSY_PAUSE_MS, request.signal);
      }
    }
  }

  /** A request whose answer is read as it comes, without a place in the pace. The body must be read or destroyed. */
  stream(request: ApiRequest): Promise<IncomingMessage> {
    return this.told(request, () => exchange(this.connection, request));
  }

  get<T = ApiObject>(address: ObjectAddress, options: { resourceVersion?: string; signal?: AbortSignal } = {}): Promise<T> {
    const { resourceVersion, signal } = options;
    return this.request({
      method: 'GET',
      path: objectPath(address),
      query: { resourceVersion },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** One page. Built-in kinds leave `kind` out of a list's items; here they have it. */
  async list<T extends ApiObject = ApiObject>(address: CollectionAddress, options: ListOptions = {}): Promise<ObjectPage<T>> {
    const { limit, continueToken, labelSelector, fieldSelector, signal } = options;
    const answer = await this.request<{
      apiVersion: string;
      kind: string;
      metadata: { resourceVersion?: string; continue?: string };
      items: T[] | null;
    }>({
      method: 'GET',
      path: collectionPath(address),
      query: { labelSelector, fieldSelector, limit, continue: continueToken, resourceVersion: options.resourceVersion },
      ...(signal === undefined ? {} : { signal }),
    });
    const kind = answer.kind.replace(/List$/, '');
    const items = (answer.items ?? []).map((item) => (item.kind ? item : { ...item, apiVersion: answer.apiVersion, kind }));
    const { continue: next, resourceVersion = '' } = answer.metadata;
    return { items, resourceVersion, ...(next ? { continueToken: next } : {}) };
  }

  /** All pages, one after the other. A KubernetesExpiredError in the middle: begin again. */
  async *pages<T extends ApiObject = ApiObject>(
    address: CollectionAddress,
    options: ListOptions = {},
  ): AsyncGenerator<ObjectPage<T>> {
    let continueToken: string | undefined;
    do {
      const page: ObjectPage<T> = await this.list<T>(address, { ...options, limit: options.limit ?? 500, continueToken });
      yield page;
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
  }

  /** Creates `object` in the collection, or a subresource such as `eviction` where an object's address is given. */
  create<T = ApiObject>(address: CollectionAddress | ObjectAddress, object: object, options: WriteOptions = {}): Promise<T> {
    const path = 'name' in address ? objectPath(address) : collectionPath(address);
    const { isPatient = false } = options;
    return this.request({ method: 'POST', path, body: object, isPatient, query: writeQuery(options) });
  }

  /** Replaces; `metadata.resourceVersion` in the object makes it conditional (KubernetesConflictError). */
  update<T = ApiObject>(address: ObjectAddress, object: object, options: WriteOptions = {}): Promise<T> {
    return this.request({ method: 'PUT', path: objectPath(address), body: object, query: writeQuery(options) });
  }

  /** Patches. `metadata.resourceVersion` or `metadata.uid` in a merge patch make it conditional. */
  patch<T = ApiObject>(address: ObjectAddress, patch: unknown, { type, force, answer, ...options }: PatchOptions): Promise<T> {
    return this.request({
      method: 'PATCH',
      path: objectPath(address),
      body: patch,
      contentType: CONTENT_TYPES[type],
      ...(answer === undefined ? {} : { accept: METADATA_ONLY }),
      query: { ...writeQuery(options), force },
    });
  }

  /** Deletes, or marks for deletion where finalizers hold it; gives the object or the status that the server answers. */
  delete<T = unknown>(address: ObjectAddress, options: DeleteOptions = {}): Promise<T> {
    return this.request({ method: 'DELETE', path: objectPath(address), body: deleteBody(options) });
  }

  deleteCollection(address: CollectionAddress, options: DeleteOptions & ListOptions = {}): Promise<unknown> {
    const { labelSelector, fieldSelector } = options;
    return this.request({
      method: 'DELETE',
      path: collectionPath(address),
      body: deleteBody(options),
      query: { labelSelector, fieldSelector },
    });
  }

  /** The log of a pod's container as bytes; destroy it to stop following. */
  log(pod: { namespace: string; name: string }, options: LogOptions = {}): Promise<IncomingMessage> {
    const { signal, ...query } = options;
    return this.stream({
      method: 'GET',
      path: objectPath({ apiVersion: 'v1', plural: 'pods', ...pod, subresource: 'log' }),
      query: { ...query },
      accept: '*/*',
      // A program that prints nothing is no server that is away.
      silenceMs: options.follow ? 0 : 60_000,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** How a kind is addressed, as the server itself says; remembered. KubernetesNotFoundError where it has none of that name. */
  async kindOf(apiVersion: string, kind: string): Promise<KindOfObject> {
    const known = (await this.kindsOf(apiVersion)).find((offered) => offered.kind === kind);
    if (known !== undefined) return known;
    // It may have been defined a moment ago.
    this.kinds.delete(apiVersion);
    const found = (await this.kindsOf(apiVersion)).find((offered) => offered.kind === kind);
    if (found !== undefined) return found;
    const message = `no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`;
    throw new KubernetesNotFoundError({ httpStatus: 404, reason: 'NotFound', message });
  }

  private kindsOf(apiVersion: string): Promise<KindOfObject[]> {
    const known = this.kinds.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.askKinds(apiVersion);
    this.kinds.set(apiVersion, asked);
    asked.catch(() => this.kinds.delete(apiVersion));
    return asked;
  }

  private async askKinds(apiVersion: string): Promise<KindOfObject[]> {
    const { resources } = await this.request<{ resources: { name: string; kind: string; namespaced: boolean }[] }>({
      method: 'GET',
      path: discoveryPath(apiVersion),
    });
    return resources
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced }) => ({ apiVersion, kind, plural: name, namespaced }));
  }

  private async paced<T>(request: ApiRequest): Promise<T> {
    const leave = await this.pace.enter(request.signal, request.isPatient);
    const beganAtMs = performance.now();
    try {
      const text = await this.told(request, async () => textOf(await exchange(this.connection, request)));
      leave({ kind: 'answered', latencyMs: performance.now() - beganAtMs });
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      leave(outcomeOf(error, performance.now() - beganAtMs));
      throw error;
    }
  }

  private async told<T>(request: ApiRequest, send: () => Promise<T>): Promise<T> {
    const { onCall } = this.options;
    if (onCall === undefined) return send();
    const beganAtMs = performance.now();
    const { method, path } = request;
    const tell = (httpStatus: number): void =>
      onCall({ ...calledResource(request), method, path, httpStatus, durationMs: performance.now() - beganAtMs });
    try {
      const answer = await send();
      tell(200);
      return answer;
    } catch (error) {
      tell((error as { said?: { httpStatus: number } }).said?.httpStatus ?? 0);
      throw error;
    }
  }
}

const outcomeOf = (error: unknown, latencyMs: number): Parameters<Awaited<ReturnType<Pace['enter']>>>[0] => {
  if (!(error instanceof KubernetesUnavailableError)) return { kind: 'answered', latencyMs };
  if (error.said.httpStatus !== 429) return { kind: 'failed' };
  return { kind: 'busy', ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }) };
};

const writeQuery = ({ fieldManager, dryRun, fieldValidation }: WriteOptions) => ({
  fieldManager: fieldManager ?? FIELD_MANAGER,
  dryRun: dryRun ? 'All' : undefined,
  fieldValidation,
});

const deleteBody = ({ uid, resourceVersion, propagation, gracePeriodSeconds }: DeleteOptions) => ({
  kind: 'DeleteOptions',
  apiVersion: 'v1',
  ...(uid === undefined && resourceVersion === undefined ? {} : { preconditions: { uid, resourceVersion } }),
  ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
  ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
});
