import { factId, type FactKey, type FactValue } from '#libs/engine';
import { type RepositoryReferences, ResourceNotFoundError, type ResourceKey, type ResourceStore } from '#libs/resources';
import type { BaselineRepository, SyncLimitRepository } from '#libs/store';
import type { WorkflowSpec } from '#libs/workflow-spec';
import type { MemoKeeper } from '../memoization/memo-keeper.js';

type ResourceFact = Extract<FactKey, { kind: 'workflowTemplate' | 'clusterWorkflowTemplate' | 'configMapKey' }>;

const resourceKeyOf = (key: ResourceFact): ResourceKey => {
  switch (key.kind) {
    case 'workflowTemplate':
      return { kind: 'WorkflowTemplate', namespace: key.namespace, name: key.name };
    case 'clusterWorkflowTemplate':
      return { kind: 'ClusterWorkflowTemplate', namespace: '', name: key.name };
    case 'configMapKey':
      return { kind: 'ConfigMap', namespace: key.namespace, name: key.name };
  }
};

/** Where facts come from. */
export interface FactSources {
  resources: Pick<ResourceStore, 'get'>;
  repositories: Pick<RepositoryReferences, 'load'>;
  memos: Pick<MemoKeeper, 'load'>;
  baselines: Pick<BaselineRepository, 'newest'>;
  syncLimits: Pick<SyncLimitRepository, 'get'>;
}

/**
 * Loads what a decision was missing. What does not exist is the fact `null`: whether that fails the workflow is the engine's
 * to say. Throws TransientError where the resources cannot be read now.
 */
export class FactLoader {
  constructor(private readonly sources: FactSources) {}

  async load(keys: readonly FactKey[]): Promise<Map<string, FactValue>> {
    const values = await Promise.all(keys.map(async (key) => [factId(key), await this.loadOne(key)] as const));
    return new Map(values);
  }

  private async loadOne(key: FactKey): Promise<FactValue> {
    switch (key.kind) {
      case 'artifactRepository':
        return this.sources.repositories.load(key);
      case 'memo':
        return this.sources.memos.load(key);
      case 'baseline':
        return this.loadBaseline(key);
      case 'syncLimit':
        return this.loadSyncLimit(key);
      default:
        return this.loadResource(key);
    }
  }

  private async loadBaseline({ namespace, label, value }: Extract<FactKey, { kind: 'baseline' }>): Promise<FactValue> {
    const found = await this.sources.baselines.newest(namespace, label, value);
    return found === undefined ? null : { kind: 'baseline', ...found };
  }

  private async loadSyncLimit({ namespace, key }: Extract<FactKey, { kind: 'syncLimit' }>): Promise<FactValue> {
    const limit = await this.sources.syncLimits.get(namespace, key);
    return limit === undefined ? null : { kind: 'text', value: String(limit) };
  }

  private async loadResource(key: ResourceFact): Promise<FactValue> {
    const resource = await this.sources.resources.get(resourceKeyOf(key)).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
    if (!resource) return null;
    if (key.kind !== 'configMapKey') return { kind: 'template', spec: resource['spec'] as unknown as WorkflowSpec };
    const data = resource['data'] as Record<string, string> | undefined;
    const value = data && Object.hasOwn(data, key.key) ? data[key.key] : undefined;
    return value === undefined ? null : { kind: 'text', value };
  }
}
