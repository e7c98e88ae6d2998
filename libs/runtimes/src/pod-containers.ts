import { MAIN_CONTAINER, type PodManifest } from '#libs/pod-spec';
import type { Container } from '#libs/workflow-spec';

import { PodRefusedError } from './errors.js';

/** `init`: before all others, one after another. `main`: its end decides the pod. `sidecar`: ended when all mains have ended. */
export type ContainerRole = 'init' | 'main' | 'sidecar';

/** A container of a pod that runs a program of the user. */
export interface PodContainer {
  name: string;
  role: ContainerRole;
  container: Container;
  /** Names of containers that must have ended with 0 before it starts. */
  dependencies: string[];
}

const EXECUTOR_PROGRAM = 'argosy-executor';
const CONTAINER_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The containers that a runtime runs, in the order of the spec, init containers first; those that are only markers for the
 * executor are left out. Throws PodRefusedError for a pod without a main container and for names that Kubernetes refuses.
 */
export function podContainers(manifest: PodManifest): PodContainer[] {
  const mains = new Set(manifest.work.mainContainers ?? [MAIN_CONTAINER]);
  const graph = new Map((manifest.work.containerGraph ?? []).map(({ name, dependencies }) => [name, dependencies]));
  const inits = usersOf(manifest, 'initContainers');
  const initNames = inits.filter((container) => !isNativeSidecar(container)).map(nameOf);
  const found = [
    ...inits.map((container): PodContainer => {
      const name = nameOf(container);
      const before = initNames.slice(0, Math.max(0, initNames.indexOf(name)));
      return isNativeSidecar(container)
        ? { name, role: 'sidecar', container, dependencies: [] }
        : { name, role: 'init', container, dependencies: before.slice(-1) };
    }),
    ...usersOf(manifest, 'containers').map((container): PodContainer => {
      const name = nameOf(container);
      const dependencies = [...initNames.slice(-1), ...(graph.get(name) ?? [])];
      return { name, role: mains.has(name) ? 'main' : 'sidecar', container, dependencies };
    }),
  ];
  if (!found.some(({ role }) => role === 'main')) throw new PodRefusedError('the pod has no container named main');
  assertNames(found);
  return found;
}

/** The container whose files and standard output are the node's outputs: `main`, or where a set has none, its first member. */
export function outputContainerOf<Member extends Pick<PodContainer, 'name' | 'role'>>(containers: readonly Member[]): Member {
  const found = containers.find(({ name }) => name === MAIN_CONTAINER) ?? containers.find(({ role }) => role === 'main');
  if (found === undefined) throw new PodRefusedError('the pod has no container named main');
  return found;
}

/** True where each main container has a node of its own, which wants a report of its own. */
export function isContainerSet(manifest: PodManifest): boolean {
  return manifest.work.containerGraph !== undefined;
}

/** Seconds between TERM and KILL. */
export function graceSecondsOf(manifest: PodManifest): number {
  const written = manifest.spec.terminationGracePeriodSeconds;
  return typeof written === 'number' ? written : manifest.work.terminationGracePeriodSeconds;
}

function usersOf(manifest: PodManifest, field: 'initContainers' | 'containers'): Container[] {
  const written = (manifest.spec[field] ?? []) as unknown as Container[];
  const executors = manifest.work.executorContainers;
  return written.filter((container) =>
    executors === undefined ? container.command?.[0] !== EXECUTOR_PROGRAM : !executors.includes(nameOf(container)),
  );
}

const nameOf = (container: Container): string => container.name ?? '';

/** An init container that Kubernetes would keep running beside the others. */
const isNativeSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

function assertNames(containers: readonly PodContainer[]): void {
  const seen = new Set<string>();
  for (const { name } of containers) {
    if (!CONTAINER_NAME.test(name)) throw new PodRefusedError(`container ${JSON.stringify(name)}: the name is not allowed`);
    if (seen.has(name)) throw new PodRefusedError(`container ${name}: the name is taken twice`);
    seen.add(name);
  }
}
