import { hostname } from 'node:os';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { PodWork } from '#libs/pod-spec';
import { eventually } from '#libs/testing';
import { type Container, TransientError } from '#libs/workflow-spec';

import { mounting, type PodParts, sandboxProblem, shell, WatchedSandbox } from '../../../testing/src/watched-sandbox.js';

const problem = await sandboxProblem();
const note = problem === undefined ? '' : ` (skipped: ${problem})`;
const isRoot = process.getuid?.() === 0;

describe.skipIf(problem !== undefined)(`general pods in the sandbox${note}`, () => {
  let sandbox: WatchedSandbox;

  beforeEach(async () => {
    sandbox = await WatchedSandbox.open();
  });
  afterEach(() => sandbox.close());

  it('lets a pod that waits for its inputs go when it is asked to end', async () => {
    let tried = 0;
    sandbox.stage = async () => {
      tried += 1;
      throw new TransientError('the store is away');
    };
    const inputArtifacts = [{ name: 'a', path: '/a', raw: { data: 'x' } }];
    await sandbox.create({ containers: [shell('main', 'echo ran')], work: { inputArtifacts } });
    await eventually(() => tried > 1, 'the inputs are tried again');
    await sandbox.terminate(5);
    expect(await sandbox.end()).toMatchObject({ phase: 'Failed', exitCode: 143 });
    expect(await sandbox.lines('main')).toEqual([]);
  });

  describe('containers', () => {
    it('runs init containers one after another before main, each with its own log', async () => {
      const last = await sandbox.run({
        initContainers: [
          shell('one', 'echo first; echo one >> /shared/order', mounting({ name: 'shared', mountPath: '/shared' })),
          shell('two', 'echo second; echo two >> /shared/order', mounting({ name: 'shared', mountPath: '/shared' })),
        ],
        containers: [shell('main', 'cat /shared/order', mounting({ name: 'shared', mountPath: '/shared' }))],
        spec: { volumes: [{ name: 'shared', emptyDir: {} }] },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'one\ntwo' } });
      expect([
        await sandbox.lines('one'),
        await sandbox.lines('two'),
        await sandbox.lines(),
        await sandbox.lines('nobody'),
      ]).toEqual([['first'], ['second'], ['one', 'two'], []]);
    });

    it('ends in Error where an init container fails, and runs nothing after it', async () => {
      const last = await sandbox.run({
        initContainers: [shell('one', 'exit 3'), shell('two', 'echo ran')],
        containers: [shell('main', 'echo ran')],
      });
      expect(last).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'one: Error (exit code 3)' });
      expect([await sandbox.lines('two'), await sandbox.lines('main')]).toEqual([[], []]);
    });

    it('ends sidecars by TERM when main has ended, and takes no notice of how they end', async () => {
      const last = await sandbox.run({
        containers: [
          shell('main', 'until [ -f /shared/up ]; do sleep 0.05; done; echo done', mounting({ name: 's', mountPath: '/shared' })),
          shell('side', "trap 'echo ending; exit 143' TERM; touch /shared/up; while :; do sleep 0.1; done", {
            volumeMounts: [{ name: 's', mountPath: '/shared' }],
          }),
        ],
        spec: { volumes: [{ name: 's', emptyDir: { medium: 'Memory' } }] },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: 'done' } });
      expect(await sandbox.lines('side')).toContain('ending');
    });

    it('kills a sidecar that takes no notice of TERM after the grace period', async () => {
      const last = await sandbox.run({
        containers: [shell('main', 'sleep 0.3'), shell('side', "trap '' TERM; while :; do sleep 0.1; done")],
        spec: { terminationGracePeriodSeconds: 1 },
      });
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0 });
    });

    it('fails with the sidecar that failed by itself', async () => {
      const last = await sandbox.run({ containers: [shell('main', 'sleep 0.3'), shell('side', 'exit 2')] });
      expect(last).toMatchObject({ phase: 'Failed', exitCode: 0, message: 'side: Error (exit code 2)' });
      expect(last.infrastructure).toBeUndefined();
    });

    it('gives each container processes and files of its own, and one network and host name', async () => {
      const last = await sandbox.run({
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
      await sandbox.create({ containers: [shell('main', 'sleep 30'), shell('side', 'sleep 30')] });
      await sandbox.seen(({ ready }) => ready === true, 'it is ready');
      await sandbox.terminate(5);
      expect(await sandbox.end()).toMatchObject({ phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' });
      await sandbox.deletePod();
      const parts = { containers: [shell('main', 'sleep 30'), shell('side', 'sleep 30')], spec: { activeDeadlineSeconds: 1 } };
      expect(await sandbox.run(parts)).toMatchObject({
        message: 'Pod was active on the node longer than the specified deadline',
      });
    });

    it('goes on with a pod of several after a restart', async () => {
      await sandbox.create({ containers: [shell('main', 'sleep 1; exit 5'), shell('side', 'sleep 30')] });
      await sandbox.seen(({ phase }) => phase === 'Running', 'it runs');
      await sandbox.restart();
      expect(await sandbox.end()).toMatchObject({ phase: 'Failed', exitCode: 5, message: 'main: Error (exit code 5)' });
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
      const last = await sandbox.run({ ...set(containers, { c: ['b'], a: [], b: ['a'] }), spec });
      expect(last).toMatchObject({ phase: 'Succeeded', outputs: { result: 'a\nb\nc' } });
      expect(last.containers?.map(({ name, phase, exitCode }) => `${name} ${phase} ${exitCode}`)).toEqual([
        'c Succeeded 0',
        'a Succeeded 0',
        'b Succeeded 0',
      ]);
      expect(await sandbox.lines('c')).toEqual(['a', 'b', 'c']);
    });

    it('do not start after a failed dependency, and the others go on', async () => {
      const containers = [shell('a', 'exit 4'), shell('b', 'echo ran'), shell('c', 'echo ran')];
      const last = await sandbox.run(set(containers, { a: [], b: ['a'], c: [] }));
      expect(last).toMatchObject({ phase: 'Failed', message: 'a: Error (exit code 4)' });
      expect(last.containers?.map(({ phase, exitCode, message }) => [phase, exitCode, message])).toEqual([
        ['Failed', 4, 'Error (exit code 4): '],
        ['Failed', 64, 'Error (exit code 64): '],
        ['Succeeded', 0, undefined],
      ]);
      expect([await sandbox.lines('b'), await sandbox.lines('c')]).toEqual([[], ['ran']]);
    });

    it('take the result of main, and start a failed program again within the container', async () => {
      const source = 'echo try >> /tmp/tries; [ "$(wc -l </tmp/tries)" -ge 3 ] || exit 1; echo result';
      const containers = [shell('a', 'echo other'), shell('main', source)];
      const last = await sandbox.run(set(containers, { a: [], main: [] }, { containerRetry: { retries: 2, durationMs: 20 } }));
      expect(last).toMatchObject({ phase: 'Succeeded', exitCode: 0, outputs: { result: 'result' } });
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
      await sandbox.create({ containers: [container], work: { daemon: true } });
      await sandbox.seen(({ phase, ready }) => phase === 'Running' && ready === true, 'it is ready');
      const address = sandbox.observations.at(-1)?.podIP ?? '';
      expect(address).toMatch(/^127\./);
      expect(sandbox.observations.filter(({ phase }) => phase === 'Running')[0]?.ready).toBe(false);
      expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe('served');
      await sandbox.terminate(2);
      expect(await sandbox.end()).toMatchObject({ phase: 'Failed', exitCode: 143 });
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
      await sandbox.create({ containers: [container, shell('side', 'sleep 30')] });
      await sandbox.seen(({ ready }) => ready === true, 'it is ready');
      expect(await sandbox.end()).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 143)' });
    });

    it('reports the progress that the program writes at its ticks, and the last one reported at the end', async () => {
      const env = [
        { name: 'FILE', value: '/var/run/argo/progress' },
        { name: 'ARGO_PROGRESS_FILE_TICK_DURATION', value: '100ms' },
        { name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value: '200ms' },
      ];
      await sandbox.create({ containers: [shell('main', 'echo 3/10 > "$FILE"; sleep 30', { env })] });
      await sandbox.seen(({ progress }) => progress === '3/10', 'progress is reported');
      await sandbox.terminate(5);
      expect(await sandbox.end()).toMatchObject({ phase: 'Failed', progress: '3/10' });
    });
  });
});
