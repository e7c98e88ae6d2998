import { mkdirSync, mkdtempSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import type { PodWork } from '#libs/pod-spec';
import type { CreateOutcome, PodFiles, PodIdentity, PodObservation } from '#libs/runtimes';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import { ImageCatalogue } from '../../runtimes/src/image-catalogue.js';
import { removeFolder } from '../../runtimes/src/sandbox/remove-folder.js';
import { probeSandbox } from '../../runtimes/src/sandbox/sandbox-ability.js';
import { SandboxRuntime } from '../../runtimes/src/sandbox/sandbox-runtime.js';
import { eventually } from './eventually.js';
import { simPodOf } from './pod-manifests.js';
import { emptyEnvSource, resultStaging } from './pod-means.js';
import { quietLogger } from './quiet-logger.js';

/** Guards against waiting for ever; no test depends on it. */
const HANGS_AFTER_MS = 30_000;

const identity: PodIdentity = { workflowUid: 'uid-1', nodeId: 'pod', incarnation: 0 };

/** What a test orders of its pod; `main` decides the end where `work.mainContainers` names nobody. */
export interface PodParts {
  containers: Container[];
  initContainers?: Container[];
  spec?: KubernetesObject;
  work?: Partial<PodWork>;
}

/** A container that runs a script with the host's shell. */
export const shell = (name: string, source: string, rest: Partial<Container> = {}): Container => ({
  name,
  image: 'any',
  command: ['sh', '-c', source],
  ...rest,
});

export const mounting = (...volumeMounts: KubernetesObject[]): Partial<Container> => ({ volumeMounts });

/** Why this machine has no sandbox; undefined where it has one. */
export async function sandboxProblem(): Promise<string | undefined> {
  const folder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-probe-'));
  const found = await probeSandbox({ dataFolder: folder, hiddenPaths: [] });
  await removeFolder(folder);
  return 'reason' in found ? found.reason : undefined;
}

const isEnd = ({ phase }: PodObservation): boolean => phase === 'Succeeded' || phase === 'Failed' || phase === 'Gone';

/**
 * A sandbox in a folder of its own, with one pod at a time and all that was observed of it. There are a ConfigMap `settings` (a, b), a Secret `secret` (key: bytes 0, 255, 1), an
 * image `bare` without a shell, and a folder `shared` that pods may mount.
 */
export class WatchedSandbox {
  observations: PodObservation[] = [];
  /** What is done before the pod begins and after it has ended. */
  stage: () => Promise<void> = async () => undefined;
  capture: (files: PodFiles) => Promise<void> = async () => undefined;

  private constructor(
    private readonly folder: string,
    public runtime: SandboxRuntime,
  ) {}

  static async open(): Promise<WatchedSandbox> {
    const folder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-'));
    for (const name of ['data', 'shared']) mkdirSync(path.join(folder, name));
    const sandbox: WatchedSandbox = new WatchedSandbox(folder, await runtimeOf(folder, () => sandbox));
    await sandbox.follow();
    return sandbox;
  }

  get dataFolder(): string {
    return path.join(this.folder, 'data');
  }

  /** The folder of the host that pods may mount. */
  get sharedFolder(): string {
    return path.join(this.folder, 'shared');
  }

  /** Another runtime on the same folder, as after the end of the program; what was observed is forgotten. */
  async restart(): Promise<void> {
    await this.runtime.close();
    this.observations = [];
    this.runtime = await runtimeOf(this.folder, () => this);
    await this.follow();
  }

  create(parts: PodParts): Promise<CreateOutcome> {
    const work = { terminationGracePeriodSeconds: 5, ...parts.work };
    return this.runtime.create(identity, simPodOf(parts, { nodeId: 'pod', captureResult: true, work }));
  }

  /** Creates the pod, and gives its end or why it was refused. */
  async run(parts: PodParts): Promise<PodObservation> {
    const outcome = await this.create(parts);
    if (outcome.type === 'refused') return { identity, phase: 'Failed', message: outcome.message };
    return this.end();
  }

  terminate(graceSeconds: number): Promise<void> {
    return this.runtime.terminate(identity, graceSeconds);
  }

  async end(): Promise<PodObservation> {
    await this.seen(isEnd, 'it ends');
    return this.observations.find(isEnd) as PodObservation;
  }

  seen(matches: (observation: PodObservation) => boolean, what: string): Promise<void> {
    return eventually(
      () => this.observations.some(matches),
      () => `${what}: the pod is ${JSON.stringify(this.observations.at(-1))}`,
      HANGS_AFTER_MS,
    );
  }

  async lines(container?: string): Promise<string[]> {
    const found: string[] = [];
    for await (const { text } of this.runtime.logs(identity, container === undefined ? {} : { container })) found.push(text);
    return found;
  }

  /** Another pod may be created then. */
  async deletePod(): Promise<void> {
    await this.runtime.delete(identity);
    this.observations = [];
  }

  async close(): Promise<void> {
    await this.runtime.delete(identity);
    await this.runtime.close();
    await removeFolder(this.folder);
  }

  private follow(): Promise<void> {
    return this.runtime.start(async (seen) => {
      this.observations.push(...seen);
    });
  }
}

async function runtimeOf(folder: string, sandbox: () => WatchedSandbox): Promise<SandboxRuntime> {
  const ability = await probeSandbox({ dataFolder: path.join(folder, 'data'), hiddenPaths: [] });
  if ('reason' in ability) throw new Error(ability.reason);
  return new SandboxRuntime({
    ability,
    staging: {
      stage: () => sandbox().stage(),
      capture: async (manifest, files, exit) => {
        await sandbox().capture(files);
        return resultStaging.capture(manifest, files, exit);
      },
    },
    images: new ImageCatalogue(new Map([['bare', { absent: ['sh'] }]])),
    env: {
      ...emptyEnvSource,
      configMapFiles: async (_namespace, name) => (name === 'settings' ? { a: Buffer.from('A'), b: Buffer.from('B') } : null),
      secretFiles: async (_namespace, name) => (name === 'secret' ? { key: Buffer.from([0, 255, 1]) } : null),
    },
    clock: { nowMs: () => Date.now() },
    logger: quietLogger,
    hostName: 'test-host',
    maxPods: 10,
    hostPaths: [path.join(folder, 'shared')],
  });
}
