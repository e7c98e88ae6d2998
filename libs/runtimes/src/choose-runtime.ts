import os from 'node:os';

import type { Clock } from '#libs/workflow-spec';

import type { EnvSource, RuntimeLogger } from './collaborators.js';
import type { PodRuntime } from './contract.js';
import { connectDocker, type DockerLocation } from './docker/docker-connection.js';
import { DockerRuntime } from './docker/docker-runtime.js';
import { NoRuntimeError } from './errors.js';
import type { ImageCatalogue } from './image-catalogue.js';
import type { KubernetesRuntimeOptions } from './kubernetes/kubernetes-runtime.js';
import { probeSandbox } from './sandbox/sandbox-ability.js';
import { SandboxRuntime } from './sandbox/sandbox-runtime.js';
import { SimulatedHost } from './simulated/simulated-host.js';
import { SimulatedRuntime } from './simulated/simulated-runtime.js';
import { realTime } from './simulated/simulated-time.js';
import type { PodStaging } from './staging.js';

/** What `--runtime` may say. `auto`: the sandbox where it works, else docker. A cluster is taken only where it is named. */
export const RuntimeChoice = {
  auto: 'auto',
  sandbox: 'sandbox',
  docker: 'docker',
  simulated: 'simulated',
  kubernetes: 'kubernetes',
} as const;
export type RuntimeChoice = (typeof RuntimeChoice)[keyof typeof RuntimeChoice];

/** Everything a runtime may need; each takes what it uses. */
export interface RuntimeMeans {
  staging: PodStaging;
  images: ImageCatalogue;
  env: EnvSource;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  /** Folder of all local state; hidden from sandbox pods. */
  dataFolder: string;
  /** Further paths of which sandbox pods see nothing. */
  hiddenPaths: readonly string[];
  /** The host's PATH, for sandbox pods. */
  searchPath?: string;
  /** Pods at once on this host; absent: by cores and memory (`defaultMaxPods`). */
  maxPods?: number;
  /** Paths of this host that pods may mount as hostPath, with all below them; absent: none. */
  hostPaths?: readonly string[];
  docker?: DockerLocation & { network?: string };
  /** Opens the cluster; asked only where `kubernetes` was chosen. */
  cluster?: () => KubernetesRuntimeOptions;
}

const PODS_PER_CORE = 8;
const BYTES_PER_POD = 128 * 1024 * 1024;
const FEWEST_PODS = 4;

/** Slots of a host whose owner did not say: eight a core, but one for every 128 MiB of memory at most. */
export function defaultMaxPods(): number {
  return Math.max(FEWEST_PODS, Math.min(os.availableParallelism() * PODS_PER_CORE, Math.floor(os.totalmem() / BYTES_PER_POD)));
}

/**
 * The runtime that was asked for, or with `auto` the best that works on this machine. Throws NoRuntimeError whose message says for
 * each candidate what is missing. The runtime is not started yet.
 */
export async function chooseRuntime(choice: RuntimeChoice, means: RuntimeMeans): Promise<PodRuntime> {
  const maxPods = means.maxPods ?? defaultMaxPods();
  if (choice === 'simulated') {
    const host = new SimulatedHost(realTime(means.clock));
    return new SimulatedRuntime({
      host,
      logger: means.logger,
      ...(means.maxPods === undefined ? {} : { maxPods: means.maxPods }),
    });
  }
  if (choice === 'kubernetes') {
    if (means.cluster === undefined)
      throw new NoRuntimeError('no runtime for pods works here. kubernetes: no cluster is configured');
    // Loaded where it is used: nobody else waits for it.
    const { KubernetesRuntime } = await import('./kubernetes/kubernetes-runtime.js');
    return new KubernetesRuntime(means.cluster());
  }
  const problems: string[] = [];
  if (choice === 'auto' || choice === 'sandbox') {
    const ability = await probeSandbox(means);
    if (!('reason' in ability)) {
      means.logger.info('pods run in the sandbox', { mode: ability.mode, userNamespace: ability.userNamespace, maxPods });
      return new SandboxRuntime({ ...means, ability, maxPods });
    }
    problems.push(ability.reason);
  }
  if (choice === 'auto' || choice === 'docker') {
    const connection = await connectDocker(means.docker ?? {});
    if (!('reason' in connection)) {
      means.logger.info('pods run in docker', { maxPods });
      return new DockerRuntime({
        ...means,
        connection,
        maxPods,
        ...(means.docker?.network === undefined ? {} : { network: means.docker.network }),
      });
    }
    problems.push(`docker: ${connection.reason}`);
  }
  throw new NoRuntimeError(`no runtime for pods works here. ${problems.join('. ')}`);
}
