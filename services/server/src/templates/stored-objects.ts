import { Inject, Injectable } from '@nestjs/common';
import {
  ResourceNotFoundError,
  type Resource,
  type ResourceListOptions,
  type ResourcePage,
  type ResourceStore,
} from '#libs/resources';
import { RESOURCE_STORE } from '../ports.js';

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

  delete(kind: StoredKind, namespace: string, name: string): Promise<void> {
    return this.store.delete({ kind, namespace, name });
  }
}
