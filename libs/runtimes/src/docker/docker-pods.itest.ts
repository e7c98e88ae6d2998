import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { emptyEnvSource, eventually, quietLogger, resultStaging, simPodOf, type SimPodOptions, startDocker } from '#libs/testing';
import type { Container, KubernetesObject } from '#libs/workflow-spec';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ImageCatalogue } from '../image-catalogue.js';
import { OURS_LABEL } from './container-options.js';
import { connectDocker } from './docker-connection.js';
import { DockerRuntime } from './docker-runtime.js';

const daemon = await startDocker();
const identity: PodIdentity = { workflowUid: 'uid-1', nodeId: 'pod', incarnation: 0 };

const shell = (name: string, source: string, rest: Partial<Container> = {}): Container => ({
  name,
  image: 'sim',
  imagePullPolicy: 'Never',
  command: ['/bin/sh', '-c', source],
  ...rest,
});

describe.skipIf('skipped' in daemon)(`general pods in docker${'skipped' in daemon ? ` (${daemon.skipped})` : ''}`, async () => {
  if ('skipped' in daemon) return;
  const connection = await connectDocker({ host: daemon.socket });
  if ('reason' in connection) throw new Error(connection.reason);
  let folder: string;
  let observations: PodObservation[];
  const opened: DockerRuntime[] = [];
  let captureFails: boolean;
  afterAll(() => daemon.stop());

  const open = async (hostName = 'test-host', observed = observations): Promise<DockerRuntime> => {
    const runtime = new DockerRuntime({
      connection,
      staging: {
        stage: async () => undefined,
        capture: async (manifest, files, exit) => {
          if (captureFails) throw new TypeError('a bug');
          return resultStaging.capture(manifest, files, exit);
        },
      },
      images: ImageCatalogue.empty(),
      env: { ...emptyEnvSource, configMapFiles: async () => ({ a: Buffer.from('A'), b: Buffer.from('B') }) },
      clock: { nowMs: () => Date.now() },
      logger: quietLogger,
      hostName,
      maxPods: 10,
      dataFolder: path.join(folder, hostName),
      network: 'none',
      hostPaths: [path.join(folder, 'shared')],
    });
    opened.push(runtime);
    await runtime.start(async (seen) => void observed.push(...seen));
    return runtime;
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'argosy-docker-pods-'));
    observations = [];
    captureFails = false;
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
    for (const { Id } of await connection.docker.listContainers({ all: true, filters: { label: [OURS_LABEL] } }))
      await connection.docker.getContainer(Id).remove({ force: true, v: true });
    for (const { Name } of (await connection.docker.listVolumes()).Volumes) await connection.docker.getVolume(Name).remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const isEnd = ({ phase }: PodObservation): boolean => phase === 'Succeeded' || phase === 'Failed' || phase === 'Gone';
  const end = async (): Promise<PodObservation> => {
    await eventually(
      () => observations.some(isEnd),
      () => `the pod is ${JSON.stringify(observations.at(-1))}`,
      30_000,
    );
    return observations.find(isEnd) as PodObservation;
  };
  const isRunning = (): boolean => observations.some(({ phase, ready }) => phase === 'Running' && ready === true);
  const podOf = (
    parts: { containers: Container[]; initContainers?: Container[]; spec?: KubernetesObject },
    options: SimPodOptions = {},
  ) => simPodOf(parts, { ...identity, captureResult: true, ...options });
  const run = async (containers: Container[], spec: KubernetesObject = {}): Promise<PodObservation> => {
    const runtime = await open();
    const outcome = await runtime.create(identity, podOf({ containers, spec }));
    return outcome.type === 'refused' ? { identity, phase: 'Failed', message: outcome.message } : end();
  };

  it('shares folders, gives files of ConfigMaps, and keeps a log for each container', async () => {
    const runtime = await open();
    const volumeMounts = [
      { name: 'shared', mountPath: '/shared' },
      { name: 'config', mountPath: '/config' },
      { name: 'config', mountPath: '/single', subPath: 'b' },
    ];
    const volumes = [
      { name: 'shared', emptyDir: {} },
      {
        name: 'config',
        configMap: {
          name: 'any',
          items: [
            { key: 'a', path: 'deep/a' },
            { key: 'b', path: 'b' },
          ],
        },
      },
    ];
    const initContainers = [shell('one', 'echo first; echo one > /shared/file', { volumeMounts })];
    const containers = [
      shell('main', 'sleep 1; cat /shared/file /config/deep/a /single', { volumeMounts }),
      shell('side', 'echo beside; sleep 60'),
    ];
    await runtime.create(identity, podOf({ initContainers, containers, spec: { volumes } }));
    expect(await end()).toMatchObject({ phase: 'Succeeded', outputs: { result: 'one\nAB' } });
    const lines = async (container?: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const { text } of runtime.logs(identity, container === undefined ? {} : { container })) found.push(text);
      return found;
    };
    expect([await lines('one'), await lines('side'), await lines(), await lines('nobody')]).toEqual([
      ['first'],
      ['beside'],
      ['one', 'AB'],
      [],
    ]);
    await runtime.delete(identity);
    expect((await connection.docker.listVolumes()).Volumes).toEqual([]);
  });

  it('keeps claims for other pods until they are deleted', async () => {
    const runtime = await open();
    expect(await runtime.createClaim({ namespace: 'argo', name: 'work' })).toEqual({ type: 'created' });
    const volumeMounts = [{ name: 'c', mountPath: '/c' }];
    const spec = { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'work' } }] };
    await runtime.create(identity, podOf({ containers: [shell('main', 'echo kept > /c/file', { volumeMounts })], spec }));
    await end();
    await runtime.delete(identity);
    observations.length = 0;
    await runtime.create(identity, podOf({ containers: [shell('main', 'cat /c/file', { volumeMounts })], spec }));
    expect(await end()).toMatchObject({ outputs: { result: 'kept' } });
    await runtime.delete(identity);
    await runtime.deleteClaim({ namespace: 'argo', name: 'work' });
    await runtime.deleteClaim({ namespace: 'argo', name: 'work' });
    expect((await connection.docker.listVolumes()).Volumes).toEqual([]);
  });

  it('mounts only hostPaths that are allowed, and refuses privileges by name', async () => {
    const volumeMounts = [{ name: 'h', mountPath: '/h' }];
    const pod = (hostPath: string): KubernetesObject => ({ volumes: [{ name: 'h', hostPath: { path: hostPath } }] });
    expect((await run([shell('main', 'true', { volumeMounts })], pod('/etc'))).message).toContain('hostPath /etc is not allowed');
    const privileged = shell('main', 'true', { securityContext: { privileged: true } });
    expect((await run([privileged])).message).toContain('privileged is not supported by the docker runtime');
  });

  it('ends a pod that was asked to end by a runtime that died before it was killed', async () => {
    const first = await open();
    await first.create(identity, podOf({ containers: [shell('main', "trap '' TERM; while :; do sleep 0.1; done")] }));
    await eventually(isRunning, 'it runs');
    await first.terminate(identity, 2);
    await first.close();
    await open();
    expect(await end()).toMatchObject({ phase: 'Failed', exitCode: 137 });
  });

  it('leaves the pods of another host on the same daemon to it', async () => {
    const first = await open();
    await first.create(identity, podOf({ containers: [shell('main', 'sleep 60')] }));
    await eventually(isRunning, 'it runs');
    const others: PodObservation[] = [];
    await open('other-host', others);
    expect(others).toEqual([]);
    await first.terminate(identity, 1);
    expect(await end()).toMatchObject({ exitCode: 143 });
    expect(others).toEqual([]);
  });

  it('asks probes inside the container and runs its hooks', async () => {
    const runtime = await open();
    const exec = (source: string) => ({ exec: { command: ['/bin/sh', '-c', source] } });
    const container = shell('main', 'sleep 0.5; echo x > /tmp/up; while :; do sleep 0.1; done', {
      readinessProbe: { ...exec('cat /tmp/up /tmp/hook'), periodSeconds: 0.2 },
      lifecycle: { postStart: exec('echo x > /tmp/hook') },
    });
    await runtime.create(identity, podOf({ containers: [container] }, { work: { daemon: true } }));
    await eventually(isRunning, 'it is ready');
    expect(observations.find(({ phase }) => phase === 'Running')).toMatchObject({ ready: false });
    await runtime.terminate(identity, 5);
    expect(await end()).toMatchObject({ phase: 'Failed' });
  });

  it('ends in Error where the runtime itself meets an error that it does not know', async () => {
    captureFails = true;
    expect(await run([shell('main', 'true')])).toMatchObject({
      phase: 'Failed',
      infrastructure: true,
      message: 'the pod could not be followed: a bug',
    });
  });
});
