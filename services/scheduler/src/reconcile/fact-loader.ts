import { factId, type FactKey, type FactValue } from '#libs/engine';
import { ResourceNotFoundError, type ResourceKey, type ResourceStore } from '#libs/resources';
import type { WorkflowSpec } from '#libs/workflow-spec';

const resourceKeyOf = (key: FactKey): ResourceKey => {
  switch (key.kind) {
    case 'workflowTemplate':
      return { kind: 'WorkflowTemplate', namespace: key.namespace, name: key.name };
    case 'clusterWorkflowTemplate':
      return { kind: 'ClusterWorkflowTemplate', namespace: '', name: key.name };
    case 'configMapKey':
      return { kind: 'ConfigMap', namespace: key.namespace, name: key.name };
  }
};

/**
 * Loads what a decision was missing. What does not exist is the fact `null`: whether that fails the workflow is the engine's
 * to say. Throws TransientError where the resources cannot be read now.
 */
export class FactLoader {
  constructor(private readonly resources: ResourceStore) {}

  async load(keys: readonly FactKey[]): Promise<Map<string, FactValue>> {
    const values = await Promise.all(keys.map(async (key) => [factId(key), await this.loadOne(key)] as const));
    return new Map(values);
  }

  private async loadOne(key: FactKey): Promise<FactValue> {
    const resource = await this.resources.get(resourceKeyOf(key)).catch((error: unknown) => {
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
