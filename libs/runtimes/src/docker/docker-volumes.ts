import path from 'node:path';

import type { HostConfig } from 'dockerode';

import type { PodManifest } from '#libs/pod-spec';

import type { PodIdentity } from '../contract.js';
import { expand } from '../environment.js';
import { PodRefusedError } from '../errors.js';
import type { PodContainer } from '../pod-containers.js';
import { identityKey } from '../pod-identity.js';
import type { VolumeFile } from '../volumes/volume-files.js';
import { assertInside, type VolumeMount, volumeMounts, volumeSources, type VolumeSource } from '../volumes/volume-source.js';
import { OURS_LABEL, OURS_VALUE } from './container-options.js';

type Mount = NonNullable<HostConfig['Mounts']>[number];

/** Name of the daemon's volume for a volume of a pod that goes with it. */
export const podVolumeName = (identity: PodIdentity, volume: string): string => `argosy-${identityKey(identity)}.${volume}`;

/** Name of the daemon's volume for a claim. */
export const claimVolumeName = ({ namespace, name }: { namespace: string; name: string }): string =>
  `argosy-claim-${namespace}-${name}`;

/** Names of the volumes that go with a pod. */
export function podVolumeNames(identity: PodIdentity, manifest: PodManifest): string[] {
  return [...volumeSources(manifest)]
    .filter(([, source]) => source.kind === 'scratch')
    .map(([name]) => podVolumeName(identity, name));
}

/** What decides how a container's volumes look to the daemon. */
export interface MountContext {
  identity: PodIdentity;
  manifest: PodManifest;
  member: PodContainer;
  environment: ReadonlyMap<string, string>;
  hostPaths: readonly string[];
}

/**
 * The mounts of a container. Volumes made of files are no mounts: they are put into the container (`fileMounts`). Throws
 * PodRefusedError for a hostPath that is not allowed, and by name for a subPath in a folder, which needs a mount of its own.
 */
export function dockerMounts(context: MountContext): Mount[] {
  const sources = volumeSources(context.manifest);
  return mountsOf(context, sources).flatMap((mount): Mount[] => {
    const source = sources.get(mount.volume);
    if (source === undefined || source.kind === 'files') return [];
    const target = { Target: mount.mountPath, ReadOnly: mount.readOnly || (source.kind === 'claim' && source.readOnly) };
    if (source.kind === 'hostPath') {
      const wanted = path.normalize(source.path).replace(/(.)\/+$/, '$1');
      const isAllowed = context.hostPaths.some(
        (folder) => wanted === folder || wanted.startsWith(`${folder.replace(/\/$/, '')}/`),
      );
      if (!isAllowed)
        throw new PodRefusedError(
          `volume ${mount.volume}: hostPath ${source.path} is not allowed on this host (setting hostPaths)`,
        );
      return [{ ...target, Type: 'bind', Source: path.join(wanted, mount.subPath) }];
    }
    if (mount.subPath !== '') throw new PodRefusedError(`volume ${mount.volume}: subPath is not supported by the docker runtime`);
    const Source =
      source.kind === 'claim'
        ? claimVolumeName({ namespace: source.namespace, name: source.claimName })
        : podVolumeName(context.identity, mount.volume);
    const VolumeOptions = { NoCopy: true, Labels: { [OURS_LABEL]: OURS_VALUE }, DriverConfig: { Name: 'local', Options: {} } };
    return [{ ...target, Type: 'volume', Source, VolumeOptions }];
  });
}

/** The files that are put into a container before its start, by their path inside. */
export function fileMounts(context: MountContext, filesOf: ReadonlyMap<string, readonly VolumeFile[]>): VolumeFile[] {
  const sources = volumeSources(context.manifest);
  return mountsOf(context, sources).flatMap((mount) => {
    const files = filesOf.get(mount.volume) ?? [];
    if (mount.subPath === '') return files.map((file) => ({ ...file, path: path.posix.join(mount.mountPath, file.path) }));
    const single = files.find((file) => file.path === mount.subPath);
    if (single !== undefined) return [{ ...single, path: mount.mountPath }];
    return files
      .filter((file) => file.path.startsWith(`${mount.subPath}/`))
      .map((file) => ({ ...file, path: path.posix.join(mount.mountPath, file.path.slice(mount.subPath.length + 1)) }));
  });
}

function mountsOf({ member, environment }: MountContext, sources: ReadonlyMap<string, VolumeSource>): VolumeMount[] {
  return volumeMounts(member.container, sources).map((mount) => {
    if (mount.subPathExpr === undefined) return mount;
    const subPath = expand(mount.subPathExpr, environment);
    assertInside(mount.volume, subPath);
    return { ...mount, subPath };
  });
}
