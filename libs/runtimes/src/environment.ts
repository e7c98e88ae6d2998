import type { PodManifest } from '#libs/pod-spec';
import type { Container, EnvVar, KubernetesObject } from '#libs/workflow-spec';

import type { EnvSource } from './collaborators.js';
import { PodRefusedError } from './errors.js';

interface KeyRef {
  name?: string;
  key?: string;
  optional?: boolean;
}
interface EnvFrom {
  prefix?: string;
  configMapRef?: { name?: string; optional?: boolean };
  secretRef?: { name?: string; optional?: boolean };
}

/** What a runtime knows of the place where a pod runs, for `fieldRef`. */
export interface PodPlace {
  hostName: string;
  podIP: string;
}

/**
 * The environment of a container in its final form: `envFrom` first, then `env` (a later entry of a name wins), with
 * `$(NAME)` replaced by earlier variables as Kubernetes does. Throws PodRefusedError for a missing key that is not optional and
 * for kinds of references that cannot be resolved here, by name; TransientError of the source passes through.
 */
export async function resolveEnvironment(
  manifest: PodManifest,
  container: Container,
  source: EnvSource,
  place: PodPlace,
): Promise<Map<string, string>> {
  const namespace = manifest.metadata.namespace ?? manifest.work.workflowNamespace;
  const environment = new Map<string, string>();
  for (const entry of (container.envFrom ?? []) as EnvFrom[]) {
    for (const [key, value] of Object.entries(await bulkValues(entry, namespace, source))) {
      environment.set(`${entry.prefix ?? ''}${key}`, value);
    }
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(variable, { manifest, namespace, source, place });
    if (value !== undefined) environment.set(variable.name, expand(value, environment));
  }
  return environment;
}

async function bulkValues(entry: EnvFrom, namespace: string, source: EnvSource): Promise<Record<string, string>> {
  const reference = entry.configMapRef ?? entry.secretRef;
  const kind = entry.configMapRef === undefined ? 'secret' : 'configmap';
  if (reference?.name === undefined) throw new PodRefusedError('envFrom: only configMapRef and secretRef are supported');
  const values = await (kind === 'secret'
    ? source.secret(namespace, reference.name)
    : source.configMap(namespace, reference.name));
  if (values === null && reference.optional !== true) throw new PodRefusedError(`${kind} "${reference.name}" not found`);
  return values ?? {};
}

interface Resolution {
  manifest: PodManifest;
  namespace: string;
  source: EnvSource;
  place: PodPlace;
}

async function valueOf(variable: EnvVar, resolution: Resolution): Promise<string | undefined> {
  if (variable.valueFrom === undefined) return variable.value ?? '';
  const from = variable.valueFrom as {
    configMapKeyRef?: KeyRef;
    secretKeyRef?: KeyRef;
    fieldRef?: { fieldPath?: string };
  } & KubernetesObject;
  if (from.configMapKeyRef !== undefined) return keyValue(from.configMapKeyRef, 'configmap', resolution);
  if (from.secretKeyRef !== undefined) return keyValue(from.secretKeyRef, 'secret', resolution);
  if (from.fieldRef !== undefined) return fieldValue(variable.name, from.fieldRef.fieldPath ?? '', resolution);
  throw new PodRefusedError(`env ${variable.name}: valueFrom.${Object.keys(from)[0] ?? ''} is not supported by this runtime`);
}

async function keyValue(
  ref: KeyRef,
  kind: 'configmap' | 'secret',
  { namespace, source }: Resolution,
): Promise<string | undefined> {
  const name = ref.name ?? '';
  const key = ref.key ?? '';
  const value = await (kind === 'secret' ? source.secretKey(namespace, name, key) : source.configMapKey(namespace, name, key));
  if (value === null && ref.optional !== true)
    throw new PodRefusedError(`couldn't find key ${key} in ${kind} ${namespace}/${name}`);
  return value ?? undefined;
}

const MAP_FIELD = /^metadata\.(labels|annotations)\['([^']+)'\]$/;

function fieldValue(variable: string, fieldPath: string, { manifest, namespace, place }: Resolution): string {
  const values: Record<string, string> = {
    'metadata.name': manifest.metadata.name ?? '',
    'metadata.namespace': namespace,
    'metadata.uid': manifest.metadata.uid ?? '',
    'spec.nodeName': place.hostName,
    'spec.serviceAccountName': stringField(manifest.spec, 'serviceAccountName') ?? 'default',
    'status.podIP': place.podIP,
    'status.hostIP': place.podIP,
  };
  const plain = values[fieldPath];
  if (plain !== undefined) return plain;
  const map = MAP_FIELD.exec(fieldPath);
  if (map === null) throw new PodRefusedError(`env ${variable}: fieldRef ${fieldPath} is not supported by this runtime`);
  return (map[1] === 'labels' ? manifest.metadata.labels : manifest.metadata.annotations)?.[map[2] ?? ''] ?? '';
}

function stringField(object: KubernetesObject, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' ? value : undefined;
}

const REFERENCE = /\$(\$|\(([^()]+)\))/g;

function expand(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (whole: string, first: string, name: string | undefined) => {
    if (first === '$') return '$';
    return known.get(name ?? '') ?? whole;
  });
}
