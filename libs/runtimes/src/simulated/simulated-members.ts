import type { PodManifest } from '#libs/pod-spec';

import type { ContainerReport } from '../contract.js';
import { containerMessage, exitMessage } from '../end-messages.js';
import { PodRefusedError } from '../errors.js';
import { commandLine } from '../main-process.js';
import { outputContainerOf, podContainers, type PodContainer } from '../pod-containers.js';
import { playSim, type SimPlay } from './sim-program.js';

const SIM_IMAGE = { entrypoint: ['sim'] };
/** What a container ends with whose dependency has failed. */
const NEVER_BEGUN = 64;

/** How all main containers of a pod go together. */
export interface PodPlay extends SimPlay {
  /** Why the pod fails, where it does. */
  message?: string;
  /** An init container failed, not the program itself. */
  infrastructure?: boolean;
  /** Of container sets. */
  containers?: ContainerReport[];
}

interface Member {
  play: SimPlay;
  endMs: number;
}

const NOTHING: Omit<SimPlay, 'exitCode'> = { lines: [], files: new Map(), durationMs: 0 };

function programOf({ container }: PodContainer): SimPlay {
  const [program = '', ...args] = commandLine(container, container.image === 'sim' ? SIM_IMAGE : undefined);
  if (program !== 'sim' && !program.endsWith('/sim')) {
    throw new PodRefusedError(`the simulated runtime plays only the program sim, not ${program}`);
  }
  return playSim(args);
}

/** Plays the init containers and then the main ones, each when those that it depends on have ended; sidecars do nothing. Throws PodRefusedError. */
export function playPod(manifest: PodManifest): PodPlay {
  const containers = podContainers(manifest).filter(({ role }) => role !== 'sidecar');
  const members = new Map<string, Member>();
  for (const container of containers) members.set(container.name, playMember(container, members));
  const mains = containers.filter(({ role }) => role === 'main');
  const output = members.get(outputContainerOf(mains).name)?.play ?? { ...NOTHING, exitCode: 0 };
  const failed = containers.find(({ name }) => members.get(name)?.play.exitCode !== 0);
  const exitCode = failed === undefined ? 0 : (members.get(failed.name)?.play.exitCode ?? 0);
  return {
    ...output,
    exitCode,
    durationMs: Math.max(0, ...[...members.values()].map(({ endMs }) => endMs)),
    ...(failed === undefined ? {} : { message: exitMessage(exitCode, 'Error', failed.name) }),
    ...(failed?.role === 'init' ? { infrastructure: true } : {}),
    ...(manifest.work.containerGraph === undefined ? {} : { containers: mains.map(({ name }) => reportOf(name, members)) }),
  };
}

function playMember(container: PodContainer, members: ReadonlyMap<string, Member>): Member {
  const before = container.dependencies.flatMap((name) => members.get(name) ?? []);
  const startMs = Math.max(0, ...before.map(({ endMs }) => endMs));
  if (before.some(({ play }) => play.exitCode !== 0)) return { play: { ...NOTHING, exitCode: NEVER_BEGUN }, endMs: startMs };
  const play = programOf(container);
  return { play, endMs: startMs + play.durationMs };
}

function reportOf(name: string, members: ReadonlyMap<string, Member>): ContainerReport {
  const exitCode = members.get(name)?.play.exitCode ?? 0;
  return exitCode === 0
    ? { name, phase: 'Succeeded', exitCode }
    : { name, phase: 'Failed', exitCode, message: containerMessage(exitCode) };
}
