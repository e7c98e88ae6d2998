import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { PodManifest, PodWork } from '#libs/pod-spec';
import { emptyEnvSource, eventually, quietLogger, resultStaging, simPod } from '#libs/testing';
import { type Container, type KubernetesObject, TransientError } from '#libs/workflow-spec';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ImageCatalogue } from '../image-catalogue.js';
import type { PodFiles } from '../staging.js';
import { removeFolder } from './remove-folder.js';
import { probeSandbox } from './sandbox-ability.js';
import { SandboxRuntime } from './sandbox-runtime.js';

const probeFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-probe-'));
const probed = await probeSandbox({ dataFolder: probeFolder, hiddenPaths: [] });
await removeFolder(probeFolder);
const works = !('reason' in probed);
const isRoot = process.getuid?.() === 0;

const identity: PodIdentity = { workflowUid: 'uid-1', nodeId: 'pod', incarnation: 0 };

const shell = (name: string, source: string, rest: Partial<Container> = {}): Container => ({
  name,
  image: 'any',
  command: ['sh', '-c', source],
  ...rest,
});

interface PodParts {
  containers: Container[];
  initContainers?: Container[];
  spec?: KubernetesObject;
  work?: Partial<PodWork>;
}

function podOf({ containers, initContainers, spec, work }: PodParts): PodManifest {
  const pod = simPod([], { nodeId: 'pod', captureResult: true });
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...spec,
      containers: containers as unknown as KubernetesObject[],
      ...(initContainers === undefined ? {} : { initContainers: initContainers as unknown as KubernetesObject[] }),
    },
    work: { ...pod.work, terminationGracePeriodSeconds: 5, ...work },
  };
}

describe.skipIf(!works)(`general pods in the sandbox${works ? '' : ` (skipped: ${probed.reason})`}`, () => {
  let folder: string;
  let dataFolder: string;
  let runtime: SandboxRuntime;
  let observations: PodObservation[];
  let capture: (files: PodFiles) => Promise<void>;
  let stage: () => Promise<void>;

  const open = async (): Promise<void> => {
    const ability = await probeSandbox({ dataFolder, hiddenPaths: [] });
    if ('reason' in ability) throw new Error(ability.reason);
    observations = [];
    runtime = new SandboxRuntime({
      ability,
      staging: {
        stage: () => stage(),
        capture: async (manifest, files, exit) => {
          await capture(files);
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
    await runtime.start(async (seen) => {
      observations.push(...seen);
    });
  };
  beforeEach(async () => {
    folder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-'));
    dataFolder = path.join(folder, 'data');
    mkdirSync(dataFolder);
    mkdirSync(path.join(folder, 'shared'));
    capture = async () => undefined;
    stage = async () => undefined;
    await open();
  });
  afterEach(async () => {
    await runtime.delete(identity);
    await runtime.close();
    await removeFolder(folder);
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
  const seen = async (matches: (observation: PodObservation) => boolean, what: string): Promise<void> =>
    eventually(
      () => observations.some(matches),
      () => `${what}: the pod is ${JSON.stringify(observations.at(-1))}`,
      30_000,
    );
  const run = async (parts: PodParts): Promise<PodObservation> => {
    const outcome = await runtime.create(identity, podOf(parts));
    if (outcome.type === 'refused') return { identity, phase: 'Failed', message: outcome.message };
    return end();
  };
  const lines = async (container?: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { text } of runtime.logs(identity, container === undefined ? {} : { container })) found.push(text);
    return found;
  };
  const mounting = (...volumeMounts: KubernetesObject[]): Partial<Container> => ({ volumeMounts });

  it('lets a pod that waits for its inputs go when it is asked to end', async () => {
    let tried = 0;
    stage = async () => {
      tried += 1;
      throw new TransientError('the store is away');
    };
    const inputArtifacts = [{ name: 'a', path: '/a', raw: { data: 'x' } }];
    await runtime.create(identity, podOf({ containers: [shell('main', 'echo ran')], work: { inputArtifacts } }));
    await eventually(() => tried > 1, 'the inputs are tried again');
    await runtime.terminate(identity, 5);
    expect(await end()).toMatchObject({ phase: 'Failed', exitCode: 143 });
    expect(await lines('main')).toEqual([]);
  });

  describe('containers', () => {
    it('runs init containers one after another before main, each with its own log', async () => {
      const last = await run({
        initContainers: [
          shell('one', 'echo first; echo one >> /shared/order', mounting({ name: 'shared', mountPath: '/shared' })),
          shell('two', 'echo second; echo two >> /shared/order', mounting({ name: 'shared', mountPath: '/shared' })),
        ],
        containers: [shell('main', 'cat /shared/order', mounting({ name: 'shared', mountPath: '/shared' }))],
        spec: { volumes: [{ name: 'shared', emptyDir: {} }] },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'one\ntwo' } });
      expect([await lines('one'), await lines('two'), await lines(), await lines('nobody')]).toEqual([
        ['first'],
        ['second'],
        ['one', 'two'],
        [],
      ]);
    });

    it('ends in Error where an init container fails, and runs nothing after it', async () => {
      const last = await run({
        initContainers: [shell('one', 'exit 3'), shell('two', 'echo ran')],
        containers: [shell('main', 'echo ran')],
      });
      expect(last).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'one: Error (exit code 3)' });
      expect([await lines('two'), await lines('main')]).toEqual([[], []]);
    });

    it('ends sidecars by TERM when main has ended, and takes no notice of how they end', async () => {
      const last = await run({
        containers: [
          shell('main', 'until [ -f /shared/up ]; do sleep 0.05; done; echo done', mounting({ name: 's', mountPath: '/shared' })),
          shell('side', "trap 'echo ending; exit 143' TERM; touch /shared/up; while :; do sleep 0.1; done", {
            volumeMounts: [{ name: 's', mountPath: '/shared' }],
          }),
        ],
        spec: { volumes: [{ name: 's', emptyDir: { medium: 'Memory' } }] },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: 'done' } });
      expect(await lines('side')).toContain('ending');
    });

    it('kills a sidecar that takes no notice of TERM after the grace period', async () => {
      const last = await run({
        containers: [shell('main', 'sleep 0.3'), shell('side', "trap '' TERM; while :; do sleep 0.1; done")],
        spec: { terminationGracePeriodSeconds: 1 },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0 });
    });

    it('fails with the sidecar that failed by itself', async () => {
      const last = await run({ containers: [shell('main', 'sleep 0.3'), shell('side', 'exit 2')] });
      expect(last).toMatchObject({ phase: 'Failed', exitCode: 0, message: 'side: Error (exit code 2)' });
      expect(last.infrastructure).toBeUndefined();
    });

    it('gives each container processes and files of its own, and one network and host name', async () => {
      const last = await run({
        containers: [
          shell('main', 'echo x > /tmp/main; sleep 0.3; echo [0-9]* $(ls /tmp) $(cat /proc/sys/kernel/hostname)', {
            workingDir: '/proc',
          }),
          shell('side', 'echo y > /tmp/side; sleep 30'),
        ],
      });
      const words = (last.outputs?.result ?? '').split(' ');
      expect(words.slice(-2)).toEqual(['main', isRoot ? 'pod' : hostname()]);
      expect(words.length).toBeLessThan(10);
    });

    it('ends a pod of several by TERM and at its deadline', async () => {
      await runtime.create(identity, podOf({ containers: [shell('main', 'sleep 30'), shell('side', 'sleep 30')] }));
      await seen(({ ready }) => ready === true, 'it is ready');
      await runtime.terminate(identity, 5);
      expect(await end()).toMatchObject({ phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' });
      await runtime.delete(identity);
      observations = [];
      const parts = { containers: [shell('main', 'sleep 30'), shell('side', 'sleep 30')], spec: { activeDeadlineSeconds: 1 } };
      expect(await run(parts)).toMatchObject({ message: 'Pod was active on the node longer than the specified deadline' });
    });

    it('goes on with a pod of several after a restart', async () => {
      await runtime.create(identity, podOf({ containers: [shell('main', 'sleep 1; exit 5'), shell('side', 'sleep 30')] }));
      await seen(({ phase }) => phase === 'Running', 'it runs');
      await runtime.close();
      await open();
      expect(await end()).toMatchObject({ phase: 'Failed', exitCode: 5, message: 'main: Error (exit code 5)' });
    });
  });

  describe('container sets', () => {
    const set = (containers: Container[], graph: Record<string, string[]>, work: Partial<PodWork> = {}): PodParts => ({
      containers,
      work: {
        mainContainers: containers.map(({ name = '' }) => name),
        containerGraph: Object.entries(graph).map(([name, dependencies]) => ({ name, dependencies })),
        ...work,
      },
    });
    const mounts = mounting({ name: 'w', mountPath: '/w' });
    const spec = { volumes: [{ name: 'w', emptyDir: {} }] };

    it('start when their dependencies have ended well, and are reported one by one', async () => {
      const containers = [
        shell('c', 'cat /w/b; echo c', mounts),
        shell('a', 'echo a > /w/a', mounts),
        shell('b', 'cat /w/a > /w/b; echo b >> /w/b', mounts),
      ];
      const last = await run({ ...set(containers, { c: ['b'], a: [], b: ['a'] }), spec });
      expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: 'a\nb\nc' } });
      expect(last.containers?.map(({ name, phase, exitCode }) => `${name} ${phase} ${exitCode}`)).toEqual([
        'c Succeeded 0',
        'a Succeeded 0',
        'b Succeeded 0',
      ]);
      expect(await lines('c')).toEqual(['a', 'b', 'c']);
    });

    it('do not start after a failed dependency, and the others go on', async () => {
      const containers = [shell('a', 'exit 4'), shell('b', 'echo ran'), shell('c', 'echo ran')];
      const last = await run(set(containers, { a: [], b: ['a'], c: [] }));
      expect(last).toMatchObject({ phase: 'Failed', message: 'a: Error (exit code 4)' });
      expect(last.containers?.map(({ phase, exitCode, message }) => [phase, exitCode, message])).toEqual([
        ['Failed', 4, 'Error (exit code 4): '],
        ['Failed', 64, 'Error (exit code 64): '],
        ['Succeeded', 0, undefined],
      ]);
      expect([await lines('b'), await lines('c')]).toEqual([[], ['ran']]);
    });

    it('take the result of main, and start a failed program again within the container', async () => {
      const source = 'echo try >> /tmp/tries; [ "$(wc -l </tmp/tries)" -ge 3 ] || exit 1; echo result';
      const containers = [shell('a', 'echo other'), shell('main', source)];
      const last = await run(set(containers, { a: [], main: [] }, { containerRetry: { retries: 2, durationMs: 20 } }));
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'result' } });
    });
  });

  describe('volumes', () => {
    it('gives files of ConfigMaps, Secrets, the pod itself and of several together, read-only and with their modes', async () => {
      const volumes = [
        { name: 'config', configMap: { name: 'settings' } },
        {
          name: 'one',
          configMap: { name: 'settings', items: [{ key: 'b', path: 'deep/b.txt', mode: 0o600 }], defaultMode: 0o444 },
        },
        { name: 'none', configMap: { name: 'missing', optional: true } },
        { name: 'secret', secret: { secretName: 'secret', defaultMode: 0o400 } },
        { name: 'down', downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        {
          name: 'all',
          projected: {
            sources: [
              { configMap: { name: 'settings' } },
              { secret: { name: 'secret', items: [{ key: 'key', path: 'k' }] } },
              { downwardAPI: { items: [{ path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } }] } },
            ],
          },
        },
      ];
      const source = [
        'cat /v/config/a /v/config/b; echo',
        'cat /v/one/deep/b.txt; stat -c %a /v/one/deep/b.txt /v/secret/key',
        'ls /v/none; od -An -tu1 /v/secret/key; cat /v/down/name; echo; ls /v/all | tr "\\n" " "; cat /v/all/cpu; echo',
        'cat /single; echo; echo x > /v/config/a || echo refused',
      ].join('; ');
      const container = shell('main', source, {
        resources: { limits: { cpu: '1500m' } },
        volumeMounts: [
          ...volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` })),
          { name: 'config', mountPath: '/single', subPath: 'a' },
        ],
      });
      const last = await run({ containers: [container], spec: { volumes: volumes } });
      expect(last.outputs?.result?.split('\n').map((line) => line.trim())).toEqual([
        'AB',
        'B600',
        '400',
        '0 255   1',
        'pod',
        'a b cpu k 2',
        'A',
        'refused',
      ]);
    });

    it('refuses what is missing and what needs a cluster, by name', async () => {
      const refused = async (volume: KubernetesObject): Promise<string | undefined> =>
        (
          await run({
            containers: [shell('main', 'true', mounting({ name: 'v', mountPath: '/v' }))],
            spec: { volumes: [{ name: 'v', ...volume }] },
          })
        ).message;
      expect(await refused({ configMap: { name: 'missing' } })).toBe(
        'MountVolume.SetUp failed for volume "v" : configmap "missing" not found',
      );
      expect(await refused({ secret: { secretName: 'secret', items: [{ key: 'nope', path: 'x' }] } })).toContain(
        'references non-existent config key: nope',
      );
      expect(await refused({ nfs: { server: 'x' } })).toBe('volume v: nfs is not supported by this runtime');
      expect(await refused({ hostPath: { path: '/etc' } })).toContain('hostPath /etc is not allowed on this host');
    });

    it('mounts a hostPath that is allowed', async () => {
      writeFileSync(path.join(folder, 'shared', 'in'), 'from the host');
      const last = await run({
        containers: [shell('main', 'cat /h/in; echo out > /h/out', mounting({ name: 'h', mountPath: '/h' }))],
        spec: { volumes: [{ name: 'h', hostPath: { path: path.join(folder, 'shared'), type: 'Directory' } }] },
      });
      expect(last.outputs?.result).toBe('from the host');
      expect(readFileSync(path.join(folder, 'shared', 'out'), 'utf8')).toBe('out\n');
    });

    it('keeps claims for other pods until they are deleted', async () => {
      const spec = { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'work' } }] };
      const pod = (source: string, mount: KubernetesObject = {}): PodParts => ({
        containers: [shell('main', source, mounting({ name: 'c', mountPath: '/c', ...mount }))],
        spec,
      });
      expect(await runtime.createClaim({ namespace: 'argo', name: 'work' })).toEqual({ type: 'created' });
      expect(await run(pod('mkdir -p /c/sub; echo kept > /c/sub/file'))).toMatchObject({ phase: 'Succeeded' });
      await runtime.delete(identity);
      observations = [];
      const last = await run(pod('cat /c/file; echo x > /c/more || echo refused', { subPath: 'sub', readOnly: true }));
      expect(last.outputs?.result).toBe('kept\nrefused');
      await runtime.deleteClaim({ namespace: 'argo', name: 'work' });
      expect(existsSync(path.join(dataFolder, 'claims', 'argo', 'work'))).toBe(false);
      expect(await runtime.createClaim({ namespace: 'argo', name: '../escape' })).toMatchObject({ type: 'refused' });
    });

    it('mounts volumes inside volumes, and captures a folder with what is mounted below it', async () => {
      const found: string[] = [];
      capture = async (files) => {
        const outer = await files.capturedPath('/vols/outer');
        for (const name of ['own', 'inner/deep']) found.push(readFileSync(path.join(outer ?? '', name), 'utf8'));
        found.push(readFileSync((await files.capturedPath('/vols/outer/inner/deep')) ?? '', 'utf8'));
      };
      const last = await run({
        containers: [
          shell('main', 'echo o > /vols/outer/own; echo i > /vols/outer/inner/deep', {
            volumeMounts: [
              { name: 'inner', mountPath: '/vols/outer/inner' },
              { name: 'outer', mountPath: '/vols/outer' },
            ],
          }),
        ],
        spec: {
          volumes: [
            { name: 'outer', emptyDir: {} },
            { name: 'inner', emptyDir: {} },
          ],
        },
      });
      expect(last).toMatchObject({ phase: 'Succeeded' });
      expect(found).toEqual(['o\n', 'i\n', 'i\n']);
    });

    it('expands subPathExpr, and lets no subPath lead out of its volume', async () => {
      const container = shell('main', 'echo x > /e/file', {
        env: [{ name: 'WHERE', value: 'there' }],
        volumeMounts: [
          { name: 'v', mountPath: '/v' },
          { name: 'v', mountPath: '/e', subPathExpr: 'to/$(WHERE)' },
        ],
      });
      const check = shell('check', 'sleep 0.3; cat /v/to/there/file', mounting({ name: 'v', mountPath: '/v' }));
      await run({
        containers: [container, check],
        spec: { volumes: [{ name: 'v', emptyDir: {} }] },
        work: { mainContainers: ['main', 'check'] },
      });
      expect(await lines('check')).toEqual(['x']);
      await runtime.delete(identity);
      const escape = shell('main', 'true', mounting({ name: 'v', mountPath: '/v', subPath: '../x' }));
      const outcome = await runtime.create(
        identity,
        podOf({ containers: [escape], spec: { volumes: [{ name: 'v', emptyDir: {} }] } }),
      );
      expect(outcome).toMatchObject({ type: 'refused' });
    });
  });

  describe('daemons and probes', () => {
    it('is ready when its readiness probe passes, and is found at its address by other processes of the host', async () => {
      // Perl is on every Debian; this program's own node may lie below the host's /tmp, which pods do not see.
      const answer = String.raw`HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nserved`;
      const server = `$s = IO::Socket::INET->new(LocalPort => shift, Listen => 5, ReuseAddr => 1) or die;
        while ($c = $s->accept) { while (<$c>) { last if /^\\r?$/ } print $c "${answer}"; close $c }`;
      const port = 20_000 + (process.pid % 10_000);
      const container: Container = {
        name: 'main',
        image: 'any',
        command: ['perl', '-MIO::Socket::INET', '-e', server, String(port)],
        ports: [{ name: 'web', containerPort: port }],
        readinessProbe: { httpGet: { path: '/', port: 'web' }, periodSeconds: 1 },
      };
      await runtime.create(identity, podOf({ containers: [container], work: { daemon: true } }));
      await seen(({ phase, ready }) => phase === 'Running' && ready === true, 'it is ready');
      const address = observations.at(-1)?.podIP ?? '';
      expect(address).toMatch(/^127\./);
      expect(observations.filter(({ phase }) => phase === 'Running')[0]?.ready).toBe(false);
      expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe('served');
      await runtime.terminate(identity, 2);
      expect(await end()).toMatchObject({ phase: 'Failed', exitCode: 143 });
    });

    it('asks inside the container, and ends one whose liveness probe fails', async () => {
      const container = shell('main', 'touch /tmp/ok; sleep 1; rm /tmp/ok; sleep 30', {
        env: [{ name: 'FILE', value: '/tmp/ok' }],
        readinessProbe: { exec: { command: ['sh', '-c', 'test -f "$FILE"'] }, periodSeconds: 0.2 },
        livenessProbe: {
          exec: { command: ['sh', '-c', 'test -f "$FILE"'] },
          initialDelaySeconds: 0.5,
          periodSeconds: 0.2,
          failureThreshold: 2,
        },
      });
      await runtime.create(identity, podOf({ containers: [container, shell('side', 'sleep 30')] }));
      await seen(({ ready }) => ready === true, 'it is ready');
      expect(await end()).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 143)' });
    });

    it('reports the progress that the program writes at its ticks, and the last one reported at the end', async () => {
      const env = [
        { name: 'FILE', value: '/var/run/argo/progress' },
        { name: 'ARGO_PROGRESS_FILE_TICK_DURATION', value: '100ms' },
        { name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value: '200ms' },
      ];
      await runtime.create(identity, podOf({ containers: [shell('main', 'echo 3/10 > "$FILE"; sleep 30', { env })] }));
      await seen(({ progress }) => progress === '3/10', 'progress is reported');
      await runtime.terminate(identity, 5);
      expect(await end()).toMatchObject({ phase: 'Failed', progress: '3/10' });
    });
  });

  describe('rights and limits', () => {
    it.skipIf(!isRoot)('runs as the user and groups that are written, who own the volumes', async () => {
      const container = shell(
        'main',
        'id -u; id -g; id -G; echo x > /v/file; stat -c %g /v/file; echo y > /tmp/own; echo again > /dev/stdout',
        {
          securityContext: { runAsUser: 1234, runAsGroup: 2345 },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      );
      const last = await run({
        containers: [container],
        spec: { securityContext: { fsGroup: 3456 }, volumes: [{ name: 'v', emptyDir: {} }] },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: '1234\n2345\n2345 3456\n3456\nagain' } });
    });

    it('keeps a read-only root from being written, but not its volumes', async () => {
      const container = shell(
        'main',
        'for f in /usr/x /tmp/x /run/x /x; do echo x > $f && echo wrote $f; done; echo x > /v/x && echo volume',
        {
          securityContext: { readOnlyRootFilesystem: true },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      );
      const last = await run({ containers: [container], spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
      expect(last.outputs?.result).toBe('volume');
    });

    it.each([
      [{ privileged: true }, 'container main: securityContext.privileged is not supported by the sandbox'],
      [
        { capabilities: { add: ['SYS_ADMIN'] } },
        'container main: securityContext.capabilities: SYS_ADMIN is not given by the sandbox',
      ],
      [{ runAsNonRoot: true }, 'container main: securityContext.runAsNonRoot: the program would run as root; give runAsUser'],
      [{ procMount: 'Unmasked' }, 'container main: securityContext.procMount is not supported by the sandbox'],
    ])('refuses %j by name', async (securityContext, message) => {
      expect((await run({ containers: [shell('main', 'true', { securityContext })] })).message).toBe(message);
    });

    it('kills a container that takes more memory than its limit', async () => {
      const container = shell('main', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done', {
        resources: { limits: { memory: '20M' } },
      });
      expect(await run({ containers: [container] })).toMatchObject({
        phase: 'Failed',
        exitCode: 137,
        message: 'main: OOMKilled (exit code 137)',
      });
    });

    it('has names and resolvers of its own', async () => {
      const last = await run({
        containers: [shell('main', 'grep special /etc/hosts; cat /etc/resolv.conf')],
        spec: {
          hostAliases: [{ ip: '10.1.2.3', hostnames: ['special', 'special.local'] }],
          dnsPolicy: 'None',
          dnsConfig: { nameservers: ['10.0.0.1'], searches: ['a.b'], options: [{ name: 'ndots', value: '2' }] },
        },
      });
      expect(last.outputs?.result).toBe('10.1.2.3\tspecial\tspecial.local\nnameserver 10.0.0.1\nsearch a.b\noptions ndots:2');
    });

    it('runs the hooks of a container after its start and before its end', async () => {
      const container = shell('main', 'until [ -f /v/hooks ]; do sleep 0.05; done; echo up; sleep 30', {
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
        lifecycle: {
          postStart: { exec: { command: ['sh', '-c', 'echo started > /v/hooks'] } },
          preStop: { exec: { command: ['sh', '-c', 'echo stopping >> /v/hooks'] } },
        },
      });
      let hooks = '';
      capture = async (files) => {
        hooks = readFileSync((await files.capturedPath('/v/hooks')) ?? '', 'utf8');
      };
      await runtime.create(identity, podOf({ containers: [container], spec: { volumes: [{ name: 'v', emptyDir: {} }] } }));
      await eventually(async () => (await lines()).includes('up'), 'the hook has run');
      await runtime.terminate(identity, 5);
      await end();
      expect(hooks).toBe('started\nstopping\n');
    });

    it('waits for markers before its program and before its end, where its variables ask for it', async () => {
      const env = ['BEFORE', 'AFTER'].map((moment) => ({ name: `ARGO_DEBUG_PAUSE_${moment}`, value: 'true' }));
      const marker = '/var/run/argo/ctr/main';
      const source = `while [ ! -d ${marker} ]; do sleep 0.1; done; [ -e ${marker}/ran ] || : >${marker}/before
        while [ ! -e ${marker}/ran ]; do sleep 0.1; done; echo seen; : >${marker}/after; sleep 60`;
      const main = shell('main', `[ -e ${marker}/before ] && : >${marker}/ran; exit 3`, { env });
      expect(await run({ containers: [main, shell('hand', source)] })).toMatchObject({ phase: 'Failed', exitCode: 3 });
      expect(await lines('hand')).toEqual(['seen']);
    });

    it('has an input that stays open where it is asked for, and none otherwise', async () => {
      const source = 'timeout 0.3 cat; echo $?';
      expect((await run({ containers: [shell('main', source)] })).outputs?.result).toBe('0');
      await runtime.delete(identity);
      observations = [];
      expect((await run({ containers: [shell('main', source, { stdin: true })] })).outputs?.result).toBe('124');
    });

    it('does not find a program that the image does not have', async () => {
      const last = await run({ containers: [shell('main', 'true', { image: 'bare' })] });
      expect(last.message).toBe(
        'main: Error (exit code 64): failed to find name in PATH: exec: "sh": executable file not found in $PATH',
      );
    });
  });
});
