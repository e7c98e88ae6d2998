import { execFile } from 'node:child_process';

import { PROGRESS_FILE } from '#libs/pod-spec';
import type { EnvVar } from '#libs/workflow-spec';

import type { ContainerReport } from '../contract.js';
import { graceSecondsOf, isContainerSet, outputContainerOf, podContainers } from '../pod-containers.js';
import { askNetwork } from '../probes/ask-network.js';
import { ContainerWatch } from '../probes/container-watch.js';
import { containerProbes, type ContainerProbes, type ProbeQuestion } from '../probes/probe.js';
import { progressTicks, ProgressWatch } from '../progress.js';
import type { HostTools } from './init-script.js';
import { hasOwnNetwork, podAddress } from './pod-address.js';
import { askToEnd } from './pod-ending.js';
import type { SandboxPodFiles } from './pod-files.js';
import type { ContainerRecord, PodFolder, PodRecord } from './pod-folder.js';
import { containerReports } from './pod-outcome.js';
import { EVENTS_PIPE } from './pod-script.js';
import { isAlive } from './process-identity.js';

/** Variables of a container with a probe that runs inside it; beside its other files. */
export const ENVIRONMENT_FILE = 'environment.json';

/** What is seen of a pod while it runs. */
export interface RunningFacts {
  phase: 'Pending' | 'Running';
  ready: boolean;
  podIP: string;
  containers?: ContainerReport[];
  progress?: string;
}

interface RunningMeans {
  tools: HostTools;
  userNamespace: boolean;
  changed: () => void;
}

type ContainerState = 'waiting' | 'running' | 'ended';

/**
 * What can be seen of a running pod from outside: which containers run, what their probes answer, and the progress that the program
 * writes. Everything is read from the pod's folder or asked anew, so any later process sees the same.
 */
export class RunningPod {
  private readonly probes: Map<string, ContainerProbes>;
  private readonly watches = new Map<string, ContainerWatch>();
  private readonly isPlain: boolean;
  private readonly progressWatch: ProgressWatch;

  constructor(
    private readonly folder: PodFolder,
    private readonly record: PodRecord,
    files: SandboxPodFiles,
    private readonly means: RunningMeans,
  ) {
    this.probes = probesOf(record);
    this.progressWatch = new ProgressWatch(() => files.presentPath(PROGRESS_FILE), progressTicks(outputEnvironment(record)));
    this.isPlain = record.containers.length === 1 && this.probes.size === 0;
  }

  /** Looks again; true where something may have changed. */
  look(nowMs: number): boolean {
    const progressed = this.progressWatch.look(nowMs);
    if (this.isPlain) return progressed;
    for (const container of this.record.containers) this.lookAt(container);
    return true;
  }

  facts(nowMs: number): RunningFacts {
    const { manifest, containers } = this.record;
    const initialising =
      !this.isPlain && containers.some((container) => container.role === 'init' && this.stateOf(container) !== 'ended');
    return {
      phase: initialising ? 'Pending' : 'Running',
      ready: !initialising && containers.every((container) => container.role === 'init' || this.isReady(container)),
      podIP: podAddress(this.record.identity),
      ...(isContainerSet(manifest) ? { containers: containerReports(this.folder, this.record, nowMs) } : {}),
      ...this.progress(),
    };
  }

  /** The progress that was reported last. */
  progress(): { progress?: string } {
    const { reported } = this.progressWatch;
    return reported === undefined ? {} : { progress: reported };
  }

  stop(): void {
    for (const watch of this.watches.values()) watch.stop();
    this.watches.clear();
  }

  private lookAt(container: ContainerRecord): void {
    const probes = this.probes.get(container.name);
    if (probes === undefined) return;
    const state = this.stateOf(container);
    if (state === 'running' && !this.watches.has(container.name)) {
      const watch = new ContainerWatch(probes, {
        ask: (question, timeoutMs) => this.ask(container, question, timeoutMs),
        changed: () => this.means.changed(),
        failed: () => this.end(container),
      });
      this.watches.set(container.name, watch);
    }
    if (state === 'ended') this.watches.get(container.name)?.stop();
  }

  private isReady(container: ContainerRecord): boolean {
    if (this.isPlain) return true;
    if (this.stateOf(container) !== 'running') return false;
    return !this.probes.has(container.name) || this.watches.get(container.name)?.isReady === true;
  }

  private stateOf({ folder }: ContainerRecord): ContainerState {
    if (this.folder.exit(folder) !== null) return 'ended';
    const claim = this.folder.claim(folder);
    if (claim === null || claim === 'unwritten') return 'waiting';
    return isAlive(claim) ? 'running' : 'ended';
  }

  private async ask(container: ContainerRecord, question: ProbeQuestion, timeoutMs: number): Promise<boolean> {
    if (question.type !== 'exec') return askNetwork(question, podAddress(this.record.identity), timeoutMs);
    const claim = this.folder.claim(container.folder);
    const { nsenter } = this.means.tools;
    if (claim === null || claim === 'unwritten' || nsenter === undefined) return false;
    const scope = [
      ...(this.means.userNamespace ? ['-U', '--preserve-credentials'] : []),
      ...(hasOwnNetwork(this.record.manifest) ? ['-n'] : []),
    ];
    const program = [...bounded(this.means.tools), ...question.command];
    const env = JSON.parse(this.folder.text(`${container.folder || '.'}/${ENVIRONMENT_FILE}`) ?? '{}') as Record<string, string>;
    return new Promise((resolve) => {
      const options = { env, timeout: timeoutMs, killSignal: 'SIGKILL' as const };
      execFile(nsenter, ['-t', String(claim.pid), ...scope, '-m', '-p', '--', ...program], options, (error) =>
        resolve(error === null),
      );
    });
  }

  /** A failed liveness probe ends the container, and nothing starts it again: pods of workflows have no restarts. */
  private end(container: ContainerRecord): void {
    const index = this.record.containers.indexOf(container) + 1;
    if (container.folder === '') askToEnd(this.folder, graceSecondsOf(this.record.manifest));
    else this.folder.tell(EVENTS_PIPE, `stop ${index}`);
  }
}

/** A program beside the container's own gains no privileges either. */
function bounded({ setpriv }: HostTools): string[] {
  return setpriv === undefined ? [] : [setpriv, '--no-new-privs', '--'];
}

function outputEnvironment({ manifest }: PodRecord): readonly EnvVar[] {
  return outputContainerOf(podContainers(manifest)).container.env ?? [];
}

function probesOf({ manifest, containers }: PodRecord): Map<string, ContainerProbes> {
  const present = new Set(containers.map(({ name }) => name));
  return new Map(
    podContainers(manifest)
      .filter(({ name, role }) => role !== 'init' && present.has(name))
      .map(({ name, container }): [string, ContainerProbes] => [name, containerProbes(container)])
      .filter(([, probes]) => Object.keys(probes).length > 0),
  );
}
