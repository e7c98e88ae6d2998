import { type KubernetesObject, UserError } from '#libs/workflow-spec';

import type { BuildPodInput } from './contract.js';
import type { UserContainer } from './pod-containers.js';

/**
 * The volumes that the containers mount, in the order of their first mount: the template's own before the workflow's of the same name (Argo's
 * addVolumeReferences). Volumes that nobody mounts are left out. Throws UserError for a mount without a volume.
 */
export function referencedVolumes({ order }: BuildPodInput, containers: readonly UserContainer[]): KubernetesObject[] {
  const known = new Map<unknown, KubernetesObject>();
  for (const volume of [...(order.podFields?.volumes ?? []), ...(order.template.volumes ?? [])])
    known.set(volume['name'], volume);
  const found = new Map<unknown, KubernetesObject>();
  for (const mount of containers.flatMap(({ volumeMounts }) => volumeMounts ?? [])) {
    const name = mount['name'];
    const volume = known.get(name);
    if (volume === undefined) throw new UserError(`volume '${text(name)}' not found in workflow spec`);
    found.set(name, volume);
  }
  return [...found.values()];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
