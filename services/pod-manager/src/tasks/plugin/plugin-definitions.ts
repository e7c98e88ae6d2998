import type { Resource, ResourceStore } from '#libs/resources';
import { ConfigMapType, LabelName, parseManifests, type ExecutorPlugin, type KubernetesObject } from '#libs/workflow-spec';
import { TaskError } from '../task.js';

/** A plugin that can be asked: its container and the port at which it listens. */
export interface PluginDefinition {
  name: string;
  /** Whose images and Secrets its container may use. */
  namespace: string;
  container: KubernetesObject;
  port: number;
}

const NAME_SUFFIX = /-executor-plugin$/;

const isObject = (value: unknown): value is KubernetesObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const portOf = (container: KubernetesObject, address: string | undefined, name: string): number => {
  const stated = address === undefined ? undefined : Number(/:(\d+)\/?$/.exec(address)?.[1]);
  const ports = Array.isArray(container['ports']) ? container['ports'] : [];
  const [first] = ports.filter(isObject);
  const port = stated ?? Number(first?.['containerPort']);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new TaskError(`executor plugin ${JSON.stringify(name)} says no port`);
  return port;
};

/** Plugins that the workflow brings along, in their order. Throws TaskError for one without a container. */
export const ownPlugins = (plugins: readonly ExecutorPlugin[], namespace: string): PluginDefinition[] =>
  plugins.map(({ metadata, spec }) => {
    const { container } = spec.sidecar;
    const name = metadata?.name ?? (typeof container['name'] === 'string' ? container['name'] : '');
    if (!isObject(container)) throw new TaskError(`executor plugin ${JSON.stringify(name)} has no container`);
    return { name: name.replace(NAME_SUFFIX, ''), namespace, container, port: portOf(container, undefined, name) };
  });

const fromConfigMap = ({ metadata, ...configMap }: Resource): PluginDefinition => {
  const data = (configMap['data'] ?? {}) as Record<string, string>;
  const name = metadata.name.replace(NAME_SUFFIX, '');
  const [manifest] = parseManifests(data['sidecar.container'] ?? '');
  const container = manifest?.value;
  if (!isObject(container)) throw new TaskError(`executor plugin ${JSON.stringify(name)}: sidecar.container is no container`);
  return { name, namespace: metadata.namespace ?? '', container, port: portOf(container, data['sidecar.address'], name) };
};

/**
 * Plugins that ConfigMaps of these namespaces describe, the first namespace's first; of two with one name the first one counts. Throws TaskError for one that cannot be read.
 */
export const installedPlugins = async (resources: ResourceStore, namespaces: readonly string[]): Promise<PluginDefinition[]> => {
  const found = new Map<string, PluginDefinition>();
  for (const namespace of new Set(namespaces)) {
    const labelSelector = `${LabelName.configMapType}=${ConfigMapType.ExecutorPlugin}`;
    const { items } = await resources.list('ConfigMap', namespace, { labelSelector });
    for (const plugin of items.map(fromConfigMap)) if (!found.has(plugin.name)) found.set(plugin.name, plugin);
  }
  return [...found.values()];
};
