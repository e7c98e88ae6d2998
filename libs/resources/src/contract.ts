import type { JsonValue, ObjectMeta } from '#libs/workflow-spec';

/** Any stored object: Kubernetes' envelope and whatever else the kind carries (spec, data, status …). */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta & { name: string };
  [field: string]: JsonValue | ObjectMeta | undefined;
}

/** `namespace` is '' for cluster-scoped kinds. */
export interface ResourceKey {
  kind: string;
  namespace: string;
  name: string;
}

export interface ResourceListOptions {
  labelSelector?: string;
  limit?: number;
  /** Opaque; from the previous page. */
  continueToken?: string;
}
export interface ResourcePage {
  items: Resource[];
  continueToken?: string;
  resourceVersion: string;
}
export type ResourceEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Resource };

/**
 * Templates, ConfigMaps, Secrets, CronWorkflows and Workflow records, wherever they live: the Kubernetes API, or our `resources` table.
 * Throws ResourceNotFoundError, ResourceExistsError, ResourceConflictError (resourceVersion differs), TransientError.
 */
export interface ResourceStore {
  get(key: ResourceKey): Promise<Resource>;
  /** '' lists all namespaces. */
  list(kind: string, namespace: string, options?: ResourceListOptions): Promise<ResourcePage>;
  create(resource: Resource): Promise<Resource>;
  /** Replaces; where `metadata.resourceVersion` is set it must be the stored one. */
  update(resource: Resource): Promise<Resource>;
  delete(key: ResourceKey): Promise<void>;
  /** Changes after `resourceVersion` (or from now on); ends when `signal` aborts. A version that is too old: ResourceExpiredError. */
  watch(
    kind: string,
    namespace: string,
    options: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<ResourceEvent>;
}
