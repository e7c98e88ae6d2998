import path from 'node:path';

import type { PodManifest } from '#libs/pod-spec';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import { PodRefusedError } from '../errors.js';

/** What stands behind a volume, whatever the runtime: the kinds of Kubernetes that need no cluster. */
export type VolumeSource =
  /** A folder of the pod that begins empty and goes with it: `emptyDir`, `ephemeral`. */
  | { kind: 'scratch' }
  /** Files made of objects and of the pod's own fields: `configMap`, `secret`, `downwardAPI`, `projected`. Read-only. */
  | { kind: 'files'; volume: KubernetesObject }
  | { kind: 'claim'; namespace: string; claimName: string; readOnly: boolean }
  | { kind: 'hostPath'; path: string; type: string };

/** A mount of a container, checked: absolute target, and a subPath that stays inside the volume. */
export interface VolumeMount {
  volume: string;
  mountPath: string;
  subPath: string;
  /** With `$(NAME)`, to be expanded by the container's environment; instead of `subPath`. */
  subPathExpr?: string;
  readOnly: boolean;
}

const VOLUME_NAME = /^[A-Za-z0-9._-]+$/;
const FILE_KINDS = ['configMap', 'secret', 'downwardAPI', 'projected'];

/** The volumes of a pod by name. Throws PodRefusedError for kinds that need a cluster, by name. */
export function volumeSources(manifest: PodManifest): Map<string, VolumeSource> {
  const namespace = manifest.metadata.namespace ?? manifest.work.workflowNamespace;
  return new Map(
    ((manifest.spec.volumes ?? []) as KubernetesObject[]).map((volume): [string, VolumeSource] => {
      const name = textOf(volume.name);
      if (!VOLUME_NAME.test(name) || name.startsWith('.')) {
        throw new PodRefusedError(`volume ${JSON.stringify(name)}: the name is not allowed`);
      }
      return [name, sourceOf(name, volume, namespace)];
    }),
  );
}

function sourceOf(name: string, volume: KubernetesObject, namespace: string): VolumeSource {
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
  if (kind === 'emptyDir' || kind === 'ephemeral') return { kind: 'scratch' };
  if (FILE_KINDS.includes(kind)) return { kind: 'files', volume };
  const written = (volume[kind] ?? {}) as KubernetesObject;
  if (kind === 'persistentVolumeClaim') {
    return { kind: 'claim', namespace, claimName: textOf(written.claimName), readOnly: written.readOnly === true };
  }
  if (kind === 'hostPath') return { kind: 'hostPath', path: textOf(written.path), type: textOf(written.type) };
  throw new PodRefusedError(`volume ${name}: ${kind} is not supported by this runtime`);
}

/** The mounts of a container, parents before what is mounted inside them. Throws PodRefusedError by name. */
export function volumeMounts(container: Container, sources: ReadonlyMap<string, VolumeSource>): VolumeMount[] {
  const mounts = (container.volumeMounts ?? []).map((mount): VolumeMount => {
    const volume = textOf(mount.name);
    if (!sources.has(volume)) throw new PodRefusedError(`volumeMounts: no volume named ${volume}`);
    const mountPath = path.posix.normalize(textOf(mount.mountPath)).replace(/(.)\/+$/, '$1');
    if (!path.posix.isAbsolute(mountPath) || mountPath === '/') {
      throw new PodRefusedError(`volume ${volume}: mountPath ${JSON.stringify(mount.mountPath ?? '')} is not an absolute path`);
    }
    const subPath = textOf(mount.subPath);
    assertInside(volume, subPath);
    return {
      volume,
      mountPath,
      subPath,
      ...(textOf(mount.subPathExpr) === '' ? {} : { subPathExpr: textOf(mount.subPathExpr) }),
      readOnly: mount.readOnly === true,
    };
  });
  if ((container.volumeDevices as unknown[] | undefined)?.length) {
    throw new PodRefusedError(`container ${container.name ?? ''}: volumeDevices are not supported by this runtime`);
  }
  return mounts.sort((left, right) => depth(left.mountPath) - depth(right.mountPath));
}

/** Throws PodRefusedError where a subPath would lead out of its volume. */
export function assertInside(volume: string, subPath: string): void {
  if (path.posix.isAbsolute(subPath) || subPath.split('/').includes('..')) {
    throw new PodRefusedError(`volume ${volume}: subPath ${JSON.stringify(subPath)} is not allowed`);
  }
}

const depth = (folder: string): number => folder.split('/').length;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
