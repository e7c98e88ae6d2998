import path from 'node:path';

import { MAIN_CONTAINER, type PodManifest } from '#libs/pod-spec';
import type { JsonValue } from '#libs/workflow-spec';

/** Folders that Argo mounts for itself; a path below them is not one of the user's volumes. */
const OWN_MOUNT = '/var/run/argo';

/** Whether a path lies on a volume of `main` or on an input artifact: Argo then reads it through a mirror, which its messages show. */
export function isOnVolume(containerPath: string, manifest: PodManifest): boolean {
  const main = containersOf(manifest).find((container) => container.name === 'main');
  const mounts = Array.isArray(main?.volumeMounts) ? main.volumeMounts : [];
  const folders = mounts
    .map((mount) => stringField(mount, 'mountPath'))
    .filter((folder) => folder !== '' && folder !== OWN_MOUNT);
  const inputs = manifest.work.inputArtifacts.map((artifact) => artifact.path ?? '').filter((folder) => folder !== '');
  return [...folders, ...inputs].some((folder) => isBelow(containerPath, folder));
}

/** Containers whose output is kept as logs: those whose end decides the pod, in the manifest's order. Sidecars and init containers are not kept. */
export function loggedContainers(manifest: PodManifest): string[] {
  const mains = manifest.work.mainContainers ?? [MAIN_CONTAINER];
  return containersOf(manifest)
    .map((container) => stringField(container, 'name'))
    .filter((name) => mains.includes(name));
}

function containersOf(manifest: PodManifest): { [field: string]: JsonValue }[] {
  const { containers } = manifest.spec;
  return Array.isArray(containers)
    ? (containers.filter((item) => item !== null && typeof item === 'object') as { [field: string]: JsonValue }[])
    : [];
}

function stringField(value: JsonValue, field: string): string {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return '';
  const found = value[field];
  return typeof found === 'string' ? found : '';
}

function isBelow(containerPath: string, folder: string): boolean {
  const relative = path.posix.relative(folder, containerPath);
  return relative === '' || (relative !== '..' && !relative.startsWith('../') && !path.posix.isAbsolute(relative));
}
