import { type ContainerEnd, SKIPPED_EXIT, TERMINATED_EXIT } from './pod-ends.js';
import type { PodContainer } from './pod-containers.js';

/** How far a container has come. */
export interface ContainerProgress {
  member: PodContainer;
  state: 'waiting' | 'running' | 'ended';
  /** Where it has ended. */
  exitCode?: number;
}

/** What is to be done next with the containers of a pod. */
export interface PodSteps {
  start: string[];
  /** Running containers that get TERM now, since all mains have ended. */
  stop: string[];
  /** Containers that never start, as their ends. */
  skipped: ContainerEnd[];
  /** All containers have ended or never start. */
  isDone: boolean;
}

/**
 * Decides what becomes of a pod's containers: one starts when those on which it depends have ended with 0, and never when one of them
 * failed; sidecars end with the mains. Pure: asked again with the same states it says the same.
 */
export function nextSteps(containers: readonly ContainerProgress[], isEnding: boolean): PodSteps {
  const skipped = new Map<string, ContainerEnd>();
  const start: string[] = [];
  const codeOf = (name: string): number | undefined => {
    const found = containers.find(({ member }) => member.name === name);
    return skipped.get(name)?.exitCode ?? (found?.state === 'ended' ? found.exitCode : undefined);
  };
  const skip = ({ name, role }: PodContainer, exitCode: number): void => {
    skipped.set(name, { name, role, exitCode, reason: 'Error', detail: '' });
  };
  const waiting = containers.filter(({ state }) => state === 'waiting').map(({ member }) => member);
  for (const member of waiting) if (isEnding) skip(member, TERMINATED_EXIT);
  for (let settled = false; !settled && !isEnding;) {
    settled = true;
    for (const member of waiting.filter(({ name }) => !skipped.has(name))) {
      if (!member.dependencies.some((name) => (codeOf(name) ?? 0) !== 0)) continue;
      skip(member, SKIPPED_EXIT);
      settled = false;
    }
  }
  for (const member of waiting) {
    if (!skipped.has(member.name) && member.dependencies.every((name) => codeOf(name) === 0)) start.push(member.name);
  }
  const open = containers.filter(({ member, state }) => state !== 'ended' && !skipped.has(member.name));
  const mainsEnded = !open.some(({ member }) => member.role === 'main');
  const stop = mainsEnded ? open.filter(({ state }) => state === 'running').map(({ member }) => member.name) : [];
  return {
    start: mainsEnded ? [] : start,
    stop,
    skipped: [...skipped.values()],
    isDone: open.length === 0 || (mainsEnded && stop.length === 0),
  };
}
