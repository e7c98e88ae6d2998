import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { emptyEnvSource, eventually, quietLogger, resultStaging, simPod } from '#libs/testing';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ImageCatalogue } from '../image-catalogue.js';
import { claimedName, unclaimedName } from './container-options.js';
import { DockerRuntime } from './docker-runtime.js';

const identity: PodIdentity = { workflowUid: 'uid-1', nodeId: 'node-1', incarnation: 0 };

const absent = (): Error => Object.assign(new Error('no such container'), { statusCode: 404 });

interface Held {
  claim?: Promise<void>;
  create?: Promise<void>;
  /** Called with each name that is asked for, before the answer. */
  asked?: (name: string) => void;
}

/** A daemon with at most one container, whose steps can be held up. Its container ends by any signal. */
class OneContainerDaemon {
  name: string | undefined;
  status: 'created' | 'running' | 'exited' = 'created';
  readonly signals: string[] = [];
  private labels: Record<string, string> = {};
  private exit: () => void = () => undefined;
  private readonly exited = new Promise<void>((resolve) => (this.exit = resolve));

  constructor(readonly held: Held = {}) {}

  client(): Docker {
    return {
      getImage: () => ({ inspect: async () => ({}) }),
      listContainers: async () => [],
      getContainer: (name: string) => this.container(name),
      createContainer: async (options: { name: string; Labels: Record<string, string> }) => {
        await this.held.create;
        this.name = options.name;
        this.labels = options.Labels;
        return { id: 'id' };
      },
    } as unknown as Docker;
  }

  private container(name: string) {
    const here = (): void => {
      if (this.name === undefined || (name !== 'id' && name !== this.name)) throw absent();
    };
    return {
      inspect: async () => {
        here();
        return this.state();
      },
      rename: async ({ name: next }: { name: string }) => {
        await this.held.claim;
        this.name = next;
      },
      start: async () => void (this.status = 'running'),
      kill: async ({ signal }: { signal: string }) => {
        this.signals.push(signal);
        this.status = 'exited';
        this.exit();
      },
      wait: () => this.exited,
      putArchive: async () => undefined,
      logs: async () => [],
    };
  }

  private state() {
    const at = new Date(0).toISOString();
    return {
      Id: 'id',
      Name: `/${this.name}`,
      Config: { Labels: this.labels },
      State: { Status: this.status, Running: this.status === 'running', StartedAt: at, FinishedAt: at, ExitCode: 143 },
      NetworkSettings: { Networks: {} },
    };
  }
}

describe('the docker runtime', () => {
  let folder: string;
  let runtime: DockerRuntime;
  const observed: PodObservation[] = [];
  const open = async (daemon: OneContainerDaemon): Promise<void> => {
    const docker = daemon.client();
    const ask = docker.getContainer.bind(docker);
    docker.getContainer = (name) => {
      const container = ask(name);
      const inspect = container.inspect.bind(container);
      // Each name is answered as things stood when it was asked for; the test moves on afterwards.
      container.inspect = (async () => {
        try {
          return await inspect();
        } finally {
          daemon.held.asked?.(name);
          await new Promise((resolve) => setImmediate(resolve));
        }
      }) as typeof container.inspect;
      return container;
    };
    runtime = new DockerRuntime({
      connection: { docker, hasInit: true },
      staging: resultStaging,
      images: ImageCatalogue.empty(),
      env: emptyEnvSource,
      clock: { nowMs: () => Date.now() },
      logger: quietLogger,
      hostName: 'test-host',
      maxPods: 5,
      dataFolder: folder,
    });
    await runtime.start(async (observations) => void observed.push(...observations));
  };
  const latest = (): string | undefined => observed.at(-1)?.phase;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'argosy-docker-spec-'));
    observed.length = 0;
  });
  afterEach(async () => {
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('terminates a pod whose container is claimed between two looks for it', async () => {
    let claim: () => void = () => undefined;
    const daemon = new OneContainerDaemon({ claim: new Promise((resolve) => (claim = resolve)) });
    await open(daemon);
    await runtime.create(identity, simPod([], identity));
    daemon.held.asked = (name) => {
      if (name === claimedName(identity)) claim();
    };
    await runtime.terminate(identity, 30);
    await eventually(
      () => latest() === 'Failed',
      () => `the pod is ${latest()}`,
    );
    expect(observed.map(({ phase }) => phase)).not.toContain('Gone');
    expect(observed.at(-1)).toMatchObject({ exitCode: 143 });
  });

  it('terminates a pod whose container is still being made', async () => {
    let made: () => void = () => undefined;
    const daemon = new OneContainerDaemon({ create: new Promise((resolve) => (made = resolve)) });
    await open(daemon);
    const creation = runtime.create(identity, simPod([], identity));
    const termination = runtime.terminate(identity, 30);
    made();
    expect(await creation).toEqual({ type: 'created' });
    await termination;
    await eventually(
      () => latest() === 'Failed',
      () => `the pod is ${latest()}`,
    );
    expect(observed.map(({ phase }) => phase)).not.toContain('Gone');
  });

  it('says that a pod is gone where neither name is taken', async () => {
    const daemon = new OneContainerDaemon();
    const names: string[] = [];
    daemon.held.asked = (name) => names.push(name);
    await open(daemon);
    await runtime.terminate(identity, 30);
    await eventually(
      () => latest() === 'Gone',
      () => `the pod is ${latest()}`,
    );
    expect(new Set(names)).toEqual(new Set([claimedName(identity), unclaimedName(identity)]));
  });
});
