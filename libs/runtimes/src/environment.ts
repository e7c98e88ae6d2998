import os from 'node:os';

import type { PodManifest } from '#libs/pod-spec';
import type { Container, EnvVar, KubernetesObject } from '#libs/workflow-spec';

import type { EnvSource } from './collaborators.js';
import { fieldValue, type PodPlace, resourceValue } from './downward-fields.js';
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
    const value = await valueOf(variable, { manifest, container, namespace, source, place });
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
  container: Container;
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
    resourceFieldRef?: KubernetesObject;
  } & KubernetesObject;
  if (from.configMapKeyRef !== undefined) return keyValue(from.configMapKeyRef, 'configmap', resolution);
  if (from.secretKeyRef !== undefined) return keyValue(from.secretKeyRef, 'secret', resolution);
  const downward = downwardValue(from, resolution);
  if (downward !== undefined) return downward;
  const named = from.fieldRef === undefined ? Object.keys(from)[0] : `fieldRef ${from.fieldRef.fieldPath ?? ''}`;
  throw new PodRefusedError(`env ${variable.name}: valueFrom ${named ?? ''} is not supported by this runtime`);
}

function downwardValue(
  { fieldRef, resourceFieldRef }: { fieldRef?: { fieldPath?: string }; resourceFieldRef?: KubernetesObject },
  { manifest, container, place }: Resolution,
): string | undefined {
  if (fieldRef !== undefined) return fieldValue(fieldRef.fieldPath ?? '', manifest, place);
  return resourceFieldRef === undefined ? undefined : resourceValue(resourceFieldRef, container, thisMachine());
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

const REFERENCE = /\$(\$|\(([^()]+)\))/g;

/** `$(NAME)` replaced by known values; `$$` is one `$`, an unknown name stays as it is. */
export function expand(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (whole: string, first: string, name: string | undefined) => {
    if (first === '$') return '$';
    return known.get(name ?? '') ?? whole;
  });
}

/** What a container without limits may use. */
export function thisMachine(): { cores: number; memoryBytes: number } {
  return { cores: os.availableParallelism(), memoryBytes: os.totalmem() };
}
