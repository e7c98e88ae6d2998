import type { ContainerCreateOptions, HostConfig } from 'dockerode';

import { identityLabels, type PodManifest } from '#libs/pod-spec';
import { type Container, type KubernetesObject, parseQuantity } from '#libs/workflow-spec';

import type { PodIdentity } from '../contract.js';
import { PodRefusedError } from '../errors.js';
import type { ImageEntry } from '../image-catalogue.js';
import { identityKey } from '../pod-identity.js';

/** Label with the whole pod as JSON, so that any later process can go on with it. */
export const MANIFEST_LABEL = 'argosy.dev/pod';
/** Label that all our containers have. */
export const OURS_LABEL = 'argosy.dev/runtime';
export const OURS_VALUE = 'docker';

/** Label with the name of the host that owns the pod: several may share a daemon, and each follows its own containers. */
export const HOST_LABEL = 'argosy.dev/host';

const NANO = 1e9;

/** Name of a container that nobody has started yet; only one container can have it. */
export const unclaimedName = (identity: PodIdentity): string => `argosy-${identityKey(identity)}`;
/** Name after the claim; renaming to it is the claim, since only one container can have it. */
export const claimedName = (identity: PodIdentity): string => `${unclaimedName(identity)}-claimed`;

export interface ContainerInput {
  identity: PodIdentity;
  manifest: PodManifest;
  hostName: string;
  main: Container;
  image: ImageEntry | undefined;
  environment: ReadonlyMap<string, string>;
  hasInit: boolean;
  network?: string;
}

/** One container for the container `main` of a pod. Throws PodRefusedError for volumes that Docker cannot give it. */
export function containerOptions(input: ContainerInput): ContainerCreateOptions {
  const { identity, manifest, main, image } = input;
  const entrypoint = (main.command ?? []).length > 0 ? main.command : image?.entrypoint;
  const cmd = main.args ?? ((main.command ?? []).length > 0 ? undefined : image?.cmd);
  return {
    name: unclaimedName(identity),
    Image: main.image ?? '',
    Hostname: (manifest.metadata.name ?? 'pod').slice(0, 63),
    ...(entrypoint === undefined ? {} : { Entrypoint: entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    ...(main.workingDir === undefined ? {} : { WorkingDir: main.workingDir }),
    Env: [...input.environment].map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...manifest.metadata.labels,
      ...identityLabels(identity),
      [OURS_LABEL]: OURS_VALUE,
      [HOST_LABEL]: input.hostName,
      [MANIFEST_LABEL]: JSON.stringify({ identity, manifest }),
    },
    StopSignal: 'SIGTERM',
    HostConfig: hostConfig(input),
  };
}

function hostConfig({ manifest, main, hasInit, network }: ContainerInput): HostConfig {
  const limits = (main.resources?.limits ?? {}) as Record<string, string | number>;
  const memory = limits.memory === undefined ? undefined : Number(parseQuantity(String(limits.memory)));
  const cpu = limits.cpu === undefined ? undefined : Number(parseQuantity(String(limits.cpu)));
  return {
    ...(hasInit ? { Init: true } : {}),
    ...(network === undefined ? {} : { NetworkMode: network }),
    ...(memory === undefined ? {} : { Memory: Math.floor(memory) }),
    ...(cpu === undefined ? {} : { NanoCpus: Math.floor(cpu * NANO) }),
    Mounts: mounts(manifest, main),
  };
}

function mounts(manifest: PodManifest, main: Container): NonNullable<HostConfig['Mounts']> {
  const volumes = (manifest.spec.volumes ?? []) as KubernetesObject[];
  return (main.volumeMounts ?? []).map((mount) => {
    const volume = volumes.find((candidate) => candidate.name === mount.name);
    const name = text(mount.name);
    if (volume?.emptyDir === undefined)
      throw new PodRefusedError(`volume ${name}: only emptyDir is supported by the docker runtime`);
    if (mount.subPath !== undefined) throw new PodRefusedError(`volume ${name}: subPath is not supported by the docker runtime`);
    return { Type: 'volume', Source: '', Target: text(mount.mountPath), ReadOnly: mount.readOnly === true };
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
