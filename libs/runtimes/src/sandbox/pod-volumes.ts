import type { PodManifest } from '#libs/pod-spec';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import { PodRefusedError } from '../errors.js';
import type { PodVolume } from './pod-root.js';

/**
 * The volumes that `main` mounts, as folders of the pod: emptyDir, with subPath. Throws PodRefusedError for other kinds and for
 * mounts that the sandbox cannot make, by name.
 */
export function podVolumes(manifest: PodManifest, main: Container): PodVolume[] {
  const volumes = new Map(((manifest.spec.volumes ?? []) as KubernetesObject[]).map((volume) => [text(volume.name), volume]));
  return (main.volumeMounts ?? []).map((mount) => {
    const name = text(mount.name);
    const volume = volumes.get(name);
    if (volume === undefined) throw new PodRefusedError(`volumeMounts: no volume named ${name}`);
    if (volume.emptyDir === undefined) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
      throw new PodRefusedError(`volume ${name}: ${kind} is not supported by the sandbox`);
    }
    const subPath = text(mount.subPath);
    if (!/^[A-Za-z0-9._-]+$/.test(name) || subPath.split('/').includes('..')) {
      throw new PodRefusedError(`volume ${name}: the name or subPath is not allowed`);
    }
    return {
      folder: ['volumes', name, ...subPath.split('/').filter((part) => part !== '')].join('/'),
      target: text(mount.mountPath),
    };
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
