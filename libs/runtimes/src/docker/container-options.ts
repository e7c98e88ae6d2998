import type { ContainerCreateOptions, HostConfig } from 'dockerode';

import { identityLabels, type PodManifest } from '#libs/pod-spec';
import { type Container, parseQuantity } from '#libs/workflow-spec';

import { DOCKER_ABILITIES } from '../abilities.js';
import { containerSecurity } from '../container-security.js';
import type { PodIdentity } from '../contract.js';
import { expand } from '../environment.js';
import type { ImageEntry } from '../image-catalogue.js';
import type { PodContainer } from '../pod-containers.js';
import { identityKey } from '../pod-identity.js';

/** Label with the whole pod as JSON, so that any later process can go on with it; on the container of the outputs only. */
export const MANIFEST_LABEL = 'argosy.dev/pod';
/** Label that all our containers and volumes have. */
export const OURS_LABEL = 'argosy.dev/runtime';
export const OURS_VALUE = 'docker';
/** Label with the name of the host that owns the pod: several may share a daemon, and each follows its own containers. */
export const HOST_LABEL = 'argosy.dev/host';
/** Label with the container's name in its pod. */
export const CONTAINER_LABEL = 'argosy.dev/container';

const NANO = 1e9;

/** Name of a container that nobody has started yet; only one container can have it. `member`: absent for that of the outputs. */
export const unclaimedName = (identity: PodIdentity, member?: string): string =>
  `argosy-${identityKey(identity)}${member === undefined ? '' : `.${member}`}`;
/** Name after the claim; renaming to it is the claim, since only one container can have it. */
export const claimedName = (identity: PodIdentity, member?: string): string => `${unclaimedName(identity, member)}-claimed`;

export interface ContainerInput {
  identity: PodIdentity;
  manifest: PodManifest;
  hostName: string;
  member: PodContainer;
  /** Absent for the container of the outputs. Others join its network where they run while it does. */
  beside?: { networkOwnerId: string; isShared: boolean };
  image: ImageEntry | undefined;
  environment: ReadonlyMap<string, string>;
  mounts: NonNullable<HostConfig['Mounts']>;
  hasInit: boolean;
  network?: string;
}

/** One container of a pod for the daemon. Throws PodRefusedError for rights that it does not give. */
export function containerOptions(input: ContainerInput): ContainerCreateOptions {
  const { identity, manifest, member, beside } = input;
  const isOutput = beside === undefined;
  return {
    name: unclaimedName(identity, isOutput ? undefined : member.name),
    ...(beside?.isShared === true ? {} : { Hostname: (manifest.metadata.name ?? 'pod').slice(0, 63) }),
    ...programOptions(input),
    Env: [...input.environment].map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...manifest.metadata.labels,
      ...identityLabels(identity),
      [OURS_LABEL]: OURS_VALUE,
      [HOST_LABEL]: input.hostName,
      [CONTAINER_LABEL]: member.name,
      ...(isOutput ? { [MANIFEST_LABEL]: JSON.stringify({ identity, manifest }) } : {}),
    },
    StopSignal: 'SIGTERM',
    HostConfig: hostConfig(input),
  };
}

function programOptions({ manifest, member, image, environment }: ContainerInput): ContainerCreateOptions {
  const { container } = member;
  const expanded = (words: readonly string[]): string[] => words.map((word) => expand(word, environment));
  const command = container.command ?? [];
  const entrypoint = command.length > 0 ? command : image?.entrypoint;
  const cmd = container.args ?? (command.length > 0 ? undefined : image?.cmd);
  const { user } = containerSecurity(manifest, container, DOCKER_ABILITIES);
  return {
    Image: container.image ?? '',
    ...(entrypoint === undefined ? {} : { Entrypoint: expanded(entrypoint) }),
    ...(cmd === undefined ? {} : { Cmd: expanded(cmd) }),
    ...(container.workingDir === undefined ? {} : { WorkingDir: container.workingDir }),
    ...(user === undefined ? {} : { User: `${user.uid}:${user.gid}` }),
    ...(container.stdin === true ? { OpenStdin: true } : {}),
    ...(container.tty === true ? { Tty: true } : {}),
  };
}

function hostConfig(input: ContainerInput): HostConfig {
  const { manifest, member, hasInit, mounts } = input;
  const { groups, readOnlyRoot, capabilities } = containerSecurity(manifest, member.container, DOCKER_ABILITIES);
  const dropped = DOCKER_ABILITIES.capabilities.filter((name) => !capabilities.includes(name));
  return {
    ...(hasInit ? { Init: true } : {}),
    ...networkOf(input),
    ...limitsOf(member.container),
    ...(groups.length === 0 ? {} : { GroupAdd: groups.map(String) }),
    ...(readOnlyRoot ? { ReadonlyRootfs: true } : {}),
    ...(dropped.length === 0 ? {} : { CapDrop: dropped.map((name) => name.toUpperCase()) }),
    Mounts: mounts,
  };
}

interface DnsConfig {
  nameservers?: string[];
  searches?: string[];
  options?: { name?: string; value?: string }[];
}

/** Names and resolvers belong to the network, so they stand at its owner. */
function networkOf({ manifest, beside, network }: ContainerInput): HostConfig {
  if (beside?.isShared === true) return { NetworkMode: `container:${beside.networkOwnerId}` };
  const aliases = (manifest.spec.hostAliases ?? []) as { ip?: string; hostnames?: string[] }[];
  const { nameservers, searches, options } = (manifest.spec.dnsConfig ?? {}) as DnsConfig;
  return {
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(aliases.length === 0
      ? {}
      : { ExtraHosts: aliases.flatMap(({ ip = '', hostnames = [] }) => hostnames.map((name) => `${name}:${ip}`)) }),
    ...(nameservers === undefined ? {} : { Dns: nameservers }),
    ...(searches === undefined ? {} : { DnsSearch: searches }),
    ...(options === undefined
      ? {}
      : { DnsOptions: options.map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`)) }),
  };
}

function limitsOf(container: Container): HostConfig {
  const limits = (container.resources?.limits ?? {}) as Record<string, string | number>;
  const memory = limits.memory === undefined ? undefined : parseQuantity(limits.memory);
  const cpu = limits.cpu === undefined ? undefined : parseQuantity(limits.cpu);
  return {
    ...(memory === undefined ? {} : { Memory: Math.floor(memory) }),
    ...(cpu === undefined ? {} : { NanoCpus: Math.floor(cpu * NANO) }),
  };
}
