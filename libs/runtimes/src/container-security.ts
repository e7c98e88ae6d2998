import type { PodManifest } from '#libs/pod-spec';
import type { Container } from '#libs/workflow-spec';

import { PodRefusedError } from './errors.js';

/** A runtime as far as rights go: its name, and the capabilities that every container has unless it drops them. */
export interface RightsOfRuntime {
  runtime: string;
  capabilities: readonly string[];
}

/** The sandbox gives: own files, change user, bind low ports. No mounts, no devices, no tracing. */
export const SANDBOX_RIGHTS: RightsOfRuntime = {
  runtime: 'sandbox',
  capabilities: ['chown', 'dac_override', 'fowner', 'fsetid', 'kill', 'setgid', 'setuid', 'net_bind_service'],
};

/** The daemon's usual set. */
export const DOCKER_RIGHTS: RightsOfRuntime = {
  runtime: 'docker runtime',
  capabilities: [...SANDBOX_RIGHTS.capabilities, 'setfcap', 'setpcap', 'net_raw', 'sys_chroot', 'mknod', 'audit_write'],
};

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

/** Fields that change nothing here: no privilege is ever gained, and the whole of a volume always gets its group. */
const WITHOUT_EFFECT = ['allowPrivilegeEscalation', 'fsGroupChangePolicy', 'supplementalGroupsPolicy'];
const HEEDED = [
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'fsGroup',
  'supplementalGroups',
  'readOnlyRootFilesystem',
  'privileged',
  'capabilities',
  'seccompProfile',
];

/** The pod's security context under the container's own. Throws PodRefusedError for what the runtime does not give, by name. */
export function containerSecurity(manifest: PodManifest, container: Container, rights: RightsOfRuntime): ContainerSecurity {
  const ofPod = (manifest.spec.securityContext ?? {}) as WrittenContext;
  const own = (container.securityContext ?? {}) as WrittenContext;
  const context = { ...ofPod, ...own };
  const where = `container ${container.name ?? ''}: securityContext`;
  assertPossible(context, where, rights.runtime);
  const uid = context.runAsUser ?? 0;
  const gid = context.runAsGroup ?? 0;
  return {
    ...(uid === 0 && gid === 0 ? {} : { user: { uid, gid } }),
    groups: [...(context.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])],
    capabilities: capabilitiesOf(context, where, rights),
    readOnlyRoot: context.readOnlyRootFilesystem === true,
  };
}

function assertPossible(context: WrittenContext, where: string, runtime: string): void {
  for (const [field, value] of Object.entries(context)) {
    if (value !== undefined && !HEEDED.includes(field) && !WITHOUT_EFFECT.includes(field))
      throw new PodRefusedError(`${where}.${field} is not supported by the ${runtime}`);
  }
  if (context.privileged === true) throw new PodRefusedError(`${where}.privileged is not supported by the ${runtime}`);
  if (context.seccompProfile?.type === 'Localhost')
    throw new PodRefusedError(`${where}.seccompProfile of type Localhost is not supported by the ${runtime}`);
  if (context.runAsNonRoot === true && (context.runAsUser ?? 0) === 0)
    throw new PodRefusedError(`${where}.runAsNonRoot: the program would run as root; give runAsUser`);
}

/** Group that owns the volumes of the pod; undefined where none is written. */
export function volumeGroup(manifest: PodManifest): number | undefined {
  return (manifest.spec.securityContext as WrittenContext | undefined)?.fsGroup;
}

function capabilitiesOf({ capabilities }: WrittenContext, where: string, rights: RightsOfRuntime): string[] {
  const plain = (name: string): string => name.toLowerCase().replace(/^cap_/, '');
  const dropped = (capabilities?.drop ?? []).map(plain);
  const added = (capabilities?.add ?? []).map(plain);
  const beyond = added.find((name) => !rights.capabilities.includes(name));
  if (beyond !== undefined)
    throw new PodRefusedError(`${where}.capabilities: ${beyond.toUpperCase()} is not given by the ${rights.runtime}`);
  return rights.capabilities.filter((name) => added.includes(name) || !(dropped.includes('all') || dropped.includes(name)));
}
