import type { PodManifest } from '#libs/pod-spec';
import { type Container, type KubernetesObject, parseQuantity } from '#libs/workflow-spec';

/** What a runtime knows of the place where a pod runs. */
export interface PodPlace {
  hostName: string;
  podIP: string;
}

const MAP_FIELD = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

/** The value of a `fieldRef`, or undefined for a path that is not known. A missing label or annotation is empty. */
export function fieldValue(fieldPath: string, manifest: PodManifest, place: PodPlace): string | undefined {
  const { metadata } = manifest;
  const values: Record<string, string> = {
    'metadata.name': metadata.name ?? '',
    'metadata.namespace': metadata.namespace ?? manifest.work.workflowNamespace,
    'metadata.uid': metadata.uid ?? '',
    'metadata.labels': asLines(metadata.labels),
    'metadata.annotations': asLines(metadata.annotations),
    'spec.nodeName': place.hostName,
    'spec.serviceAccountName': stringField(manifest.spec, 'serviceAccountName') ?? 'default',
    'status.podIP': place.podIP,
    'status.podIPs': place.podIP,
    'status.hostIP': place.podIP,
  };
  if (Object.hasOwn(values, fieldPath)) return values[fieldPath];
  const map = MAP_FIELD.exec(fieldPath);
  if (map === null) return undefined;
  return (map[1] === 'labels' ? metadata.labels : metadata.annotations)?.[map[2] ?? ''] ?? '';
}

/**
 * The value of a `resourceFieldRef` in whole units of its divisor, rounded up as Kubernetes does; undefined for a resource that
 * is not known. Without a limit the whole machine is the limit.
 */
export function resourceValue(
  reference: KubernetesObject,
  container: Container | undefined,
  machine: { cores: number; memoryBytes: number },
): string | undefined {
  const [side = '', resource = ''] = splitOnce(stringField(reference, 'resource') ?? '');
  if ((side !== 'limits' && side !== 'requests') || resource === '') return undefined;
  const resources = (container?.resources ?? {}) as Record<string, Record<string, string | number> | undefined>;
  const written = resources[side]?.[resource] ?? (side === 'requests' ? undefined : wholeMachine(resource, machine));
  return String(Math.ceil(parseQuantity(written ?? 0) / divisorOf(reference)));
}

function divisorOf({ divisor }: KubernetesObject): number {
  return (typeof divisor === 'string' || typeof divisor === 'number' ? parseQuantity(divisor) : 0) || 1;
}

const wholeMachine = (resource: string, machine: { cores: number; memoryBytes: number }): number | undefined =>
  resource === 'cpu' ? machine.cores : resource === 'memory' ? machine.memoryBytes : undefined;

const splitOnce = (text: string): [string, string] => {
  const dot = text.indexOf('.');
  return dot < 0 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
};

/** As in a downwardAPI volume: one `key="value"` a line, sorted. */
const asLines = (values: Record<string, string> | undefined): string =>
  Object.entries(values ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');

function stringField(object: KubernetesObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
}
