import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { KubernetesObject } from '#libs/workflow-spec';

import { mounting, type PodParts, sandboxProblem, shell, WatchedSandbox } from '../../../testing/src/watched-sandbox.js';

const problem = await sandboxProblem();
const note = problem === undefined ? '' : ` (skipped: ${problem})`;

describe.skipIf(problem !== undefined)(`volumes of pods in the sandbox${note}`, () => {
  let sandbox: WatchedSandbox;

  beforeEach(async () => {
    sandbox = await WatchedSandbox.open();
  });
  afterEach(() => sandbox.close());

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
    const last = await sandbox.run({ containers: [container], spec: { volumes: volumes } });
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
        await sandbox.run({
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
    writeFileSync(path.join(sandbox.sharedFolder, 'in'), 'from the host');
    const last = await sandbox.run({
      containers: [shell('main', 'cat /h/in; echo out > /h/out', mounting({ name: 'h', mountPath: '/h' }))],
      spec: { volumes: [{ name: 'h', hostPath: { path: sandbox.sharedFolder, type: 'Directory' } }] },
    });
    expect(last.outputs?.result).toBe('from the host');
    expect(readFileSync(path.join(sandbox.sharedFolder, 'out'), 'utf8')).toBe('out\n');
  });

  it('keeps claims for other pods until they are deleted', async () => {
    const spec = { volumes: [{ name: 'c', persistentVolumeClaim: { claimName: 'work' } }] };
    const pod = (source: string, mount: KubernetesObject = {}): PodParts => ({
      containers: [shell('main', source, mounting({ name: 'c', mountPath: '/c', ...mount }))],
      spec,
    });
    expect(await sandbox.runtime.createClaim({ namespace: 'argo', name: 'work' })).toEqual({ type: 'created' });
    expect(await sandbox.run(pod('mkdir -p /c/sub; echo kept > /c/sub/file'))).toMatchObject({ phase: 'Succeeded' });
    await sandbox.deletePod();
    const last = await sandbox.run(pod('cat /c/file; echo x > /c/more || echo refused', { subPath: 'sub', readOnly: true }));
    expect(last.outputs?.result).toBe('kept\nrefused');
    await sandbox.runtime.deleteClaim({ namespace: 'argo', name: 'work' });
    expect(existsSync(path.join(sandbox.dataFolder, 'claims', 'argo', 'work'))).toBe(false);
    expect(await sandbox.runtime.createClaim({ namespace: 'argo', name: '../escape' })).toMatchObject({ type: 'refused' });
  });

  it('mounts volumes inside volumes, and captures a folder with what is mounted below it', async () => {
    const found: string[] = [];
    sandbox.capture = async (files) => {
      const outer = await files.capturedPath('/vols/outer');
      for (const name of ['own', 'inner/deep']) found.push(readFileSync(path.join(outer ?? '', name), 'utf8'));
      found.push(readFileSync((await files.capturedPath('/vols/outer/inner/deep')) ?? '', 'utf8'));
    };
    const last = await sandbox.run({
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
    await sandbox.run({
      containers: [container, check],
      spec: { volumes: [{ name: 'v', emptyDir: {} }] },
      work: { mainContainers: ['main', 'check'] },
    });
    expect(await sandbox.lines('check')).toEqual(['x']);
    await sandbox.deletePod();
    const escape = shell('main', 'true', mounting({ name: 'v', mountPath: '/v', subPath: '../x' }));
    const outcome = await sandbox.create({ containers: [escape], spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
    expect(outcome).toMatchObject({ type: 'refused' });
  });
});
