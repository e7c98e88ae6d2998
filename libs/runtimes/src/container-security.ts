import { plainCapability, type PodManifest, type RuntimeAbilities, securityProblem } from '#libs/pod-spec';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import { PodRefusedError } from './errors.js';

/** Who a container's program is, and what it may do. */
export interface ContainerSecurity {
  /** Absent: root of the pod. */
  user?: { uid: number; gid: number };
  groups: number[];
  capabilities: string[];
  readOnlyRoot: boolean;
}

interface WrittenContext {
  runAsUser?: number;
  runAsGroup?: number;
  runAsNonRoot?: boolean;
  fsGroup?: number;
  supplementalGroups?: number[];
  readOnlyRootFilesystem?: boolean;
  privileged?: boolean;
  capabilities?: { add?: string[]; drop?: string[] };
  seccompProfile?: { type?: string };
  [field: string]: unknown;
}

/** The pod's security context under the container's own. Throws PodRefusedError for what the runtime does not give, by name. */
export function containerSecurity(manifest: PodManifest, container: Container, abilities: RuntimeAbilities): ContainerSecurity {
  const ofPod = (manifest.spec.securityContext ?? {}) as WrittenContext;
  const own = (container.securityContext ?? {}) as WrittenContext;
  const context = { ...ofPod, ...own };
  const problem = securityProblem(context as KubernetesObject, abilities);
  if (problem !== undefined) throw new PodRefusedError(`container ${container.name ?? ''}: securityContext.${problem}`);
  const uid = context.runAsUser ?? 0;
  const gid = context.runAsGroup ?? 0;
  return {
    ...(uid === 0 && gid === 0 ? {} : { user: { uid, gid } }),
    groups: [...(context.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])],
    capabilities: capabilitiesOf(context, abilities),
    readOnlyRoot: context.readOnlyRootFilesystem === true,
  };
}

/** Group that owns the volumes of the pod; undefined where none is written. */
export function volumeGroup(manifest: PodManifest): number | undefined {
  return (manifest.spec.securityContext as WrittenContext | undefined)?.fsGroup;
}

function capabilitiesOf({ capabilities }: WrittenContext, given: RuntimeAbilities): string[] {
  const dropped = (capabilities?.drop ?? []).map(plainCapability);
  const added = (capabilities?.add ?? []).map(plainCapability);
  return given.capabilities.filter((name) => added.includes(name) || !(dropped.includes('all') || dropped.includes(name)));
}
