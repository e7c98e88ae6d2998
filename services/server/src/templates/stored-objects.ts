import { Inject, Injectable } from '@nestjs/common';
import {
  ResourceConflictError,
  ResourceExistsError,
  ResourceNotFoundError,
  type Resource,
  type ResourceListOptions,
  type ResourcePage,
  type ResourceStore,
} from '#libs/resources';
import { RESOURCE_STORE } from '../ports.js';

/** Writers that meet each other at one object take turns; this many turns are enough for any honest crowd. */
const APPLY_ATTEMPTS = 20;

/** The kinds that the API stores. */
export type StoredKind =
  'WorkflowTemplate' | 'ClusterWorkflowTemplate' | 'CronWorkflow' | 'WorkflowEventBinding' | 'ConfigMap' | 'Secret';

/** Whether objects of this kind live in a namespace. */
export const isNamespaced = (kind: StoredKind): boolean => kind !== 'ClusterWorkflowTemplate';

/** The resource store, by the kinds that this API knows. Its errors are Kubernetes' own words already. */
@Injectable()
export class StoredObjects {
  constructor(@Inject(RESOURCE_STORE) private readonly store: ResourceStore) {}

  get(kind: StoredKind, namespace: string, name: string): Promise<Resource> {
    return this.store.get({ kind, namespace, name });
  }

  /** Undefined where there is none. */
  async find(kind: StoredKind, namespace: string, name: string): Promise<Resource | undefined> {
    try {
      return await this.store.get({ kind, namespace, name });
    } catch (error) {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    }
  }

  list(kind: StoredKind, namespace: string, options?: ResourceListOptions): Promise<ResourcePage> {
    return this.store.list(kind, namespace, options);
  }

  create(resource: Resource): Promise<Resource> {
    return this.store.create(resource);
  }

  update(resource: Resource): Promise<Resource> {
    return this.store.update(resource);
  }

  /** Creates or replaces; two writers at once: the later one stands. What the server gave (uid, creation) stays. */
  async apply(resource: Resource): Promise<Resource> {
    const { kind, metadata } = resource;
    for (let attempt = 1; ; attempt += 1) {
      const existing = await this.find(kind as StoredKind, metadata.namespace ?? '', metadata.name);
      try {
        if (existing === undefined) return await this.create(resource);
        return await this.update({ ...resource, metadata: { ...existing.metadata, ...metadata } });
      } catch (error) {
        const isOvertaken =
          error instanceof ResourceExistsError ||
          error instanceof ResourceConflictError ||
          error instanceof ResourceNotFoundError;
        if (!isOvertaken || attempt === APPLY_ATTEMPTS) throw error;
      }
    }
  }

  delete(kind: StoredKind, namespace: string, name: string): Promise<void> {
    return this.store.delete({ kind, namespace, name });
  }
}
