import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { emptyEnvSource, eventually, quietLogger, simPod, type SimPodOptions } from '#libs/testing';
import { UserError } from '#libs/workflow-spec';

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

describe.skipIf(!works)(`what a sandbox pod sees and leaves${works ? '' : ` (skipped: ${probed.reason})`}`, () => {
  let dataFolder: string;
  let runtime: SandboxRuntime;
  let observations: PodObservation[];
  let stage: (files: PodFiles) => Promise<void>;
  let capture: (files: PodFiles) => Promise<string>;

  beforeEach(async () => {
    dataFolder = path.join(mkdtempSync(path.join(homedir(), '.argosy-sandbox-')), 'data');
    mkdirSync(dataFolder);
    writeFileSync(path.join(path.dirname(dataFolder), 'visible'), '');
    writeFileSync(path.join(dataFolder, 'secret'), 'hidden');
    const ability = await probeSandbox({ dataFolder, hiddenPaths: [] });
    if ('reason' in ability) throw new Error(ability.reason);
    observations = [];
    stage = async () => undefined;
    capture = async (files) => (await files.stdoutTail(100_000)).toString();
    runtime = new SandboxRuntime({
      ability,
      staging: {
        stage: (_manifest, files) => stage(files),
        capture: async (_manifest, files) => ({ outputs: { result: await capture(files) } }),
      },
      images: ImageCatalogue.empty(),
      env: { ...emptyEnvSource, secretKey: async (_namespace, name, key) => (name === 'pass' ? `value-of-${key}` : null) },
      clock: { nowMs: () => Date.now() },
      logger: quietLogger,
      hostName: 'test-host',
      maxPods: 10,
    });
    await runtime.start(async (seen) => {
      observations.push(...seen);
    });
  });
  afterEach(async () => {
    await runtime.close();
    await removeFolder(path.dirname(dataFolder));
  });

  /** Runs a script and gives its last observation. */
  const run = async (source: string, options: SimPodOptions & { container?: object } = {}): Promise<PodObservation> => {
    const identity: PodIdentity = { workflowUid: 'uid-1', nodeId: 'pod', incarnation: 0 };
    const script = { image: 'any', command: ['sh'], source, ...options.container };
    const manifest = simPod([], {
      nodeId: 'pod',
      captureResult: true,
      ...options,
      template: { container: undefined, script, ...options.template } as object,
    });
    const outcome = await runtime.create(identity, manifest);
    if (outcome.type !== 'created')
      return { identity, phase: 'Failed', message: 'message' in outcome ? outcome.message : outcome.type };
    const ended = (): PodObservation | undefined =>
      observations.find((seen) => seen.phase === 'Succeeded' || seen.phase === 'Failed');
    await eventually(() => ended() !== undefined, 'the pod ends');
    return ended() as PodObservation;
  };

  it('sees neither the data folder nor the processes, sockets and temporary files of the host', async () => {
    const end = await run(`cat '${dataFolder}/secret' 2>/dev/null; ls /run; echo [0-9]* ; ls -A /tmp; cd /proc && echo [0-9]*`);
    expect(end.outputs?.result).not.toContain('hidden');
    const [own, lock, cwd, ...rest] = (end.outputs?.result ?? '').trim().split('\n');
    expect([own, lock]).toEqual(['argo', 'lock']);
    expect(cwd).toBe('[0-9]*');
    const processes = (rest.at(-1) ?? '').split(' ').map(Number);
    expect(rest).toHaveLength(1);
    expect(Math.max(...processes)).toBeLessThan(100);
  });

  it('writes to layers of its own and never to the host', async () => {
    const end = await run('echo changed > /usr/argosy-test-file && rm -f /etc/hosts && cat /usr/argosy-test-file');
    expect(end).toMatchObject({ phase: 'Succeeded', outputs: { result: 'changed\n' } });
    expect(existsSync('/usr/argosy-test-file')).toBe(false);
  });

  it('has no way to mount, to make devices or to gain privileges', async () => {
    const end = await run(
      "mount -t tmpfs none /mnt 2>/dev/null && echo mounted; mknod /tmp/disk b 8 0 2>/dev/null && echo device; grep -E 'NoNewPrivs' /proc/self/status; cat /proc/1/environ 2>/dev/null; echo core > /proc/sys/kernel/core_pattern && echo core; true",
    );
    expect(end.outputs?.result).toBe('NoNewPrivs:\t1\n');
  });

  it('gives secrets by the environment and by no command line', async () => {
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'pass', key: 'token' } } }];
    const end = await run('echo "$TOKEN"; cat /proc/[0-9]*/cmdline | tr "\\0" " "', { container: { env } });
    expect(end.outputs?.result?.match(/value-of-token/g)).toHaveLength(1);
  });

  it('refuses a pod whose secret does not exist, and kinds of references that it does not know, by name', async () => {
    const missing = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'nope', key: 'token' } } }];
    expect((await run('true', { container: { env: missing } })).message).toBe("couldn't find key token in secret argo/nope");
    const unknown = [{ name: 'FILE', valueFrom: { fileKeyRef: { path: 'a', key: 'b' } } }];
    expect((await run('true', { container: { env: unknown } })).message).toContain('fileKeyRef is not supported');
  });

  it('finds what was staged and leaves what is captured, in /tmp, in new folders and over folders of the host', async () => {
    stage = async (files) => {
      writeFileSync(await files.stagePath('/tmp/in/text'), 'tmp ');
      writeFileSync(await files.stagePath('/data/new/text'), 'data ');
      writeFileSync(await files.stagePath('/etc/argosy-test'), 'etc');
      mkdirSync(await files.stagePath('/var/run/folder'));
    };
    const seen: Record<string, string | null> = {};
    capture = async (files) => {
      for (const name of [
        '/tmp/out',
        '/data/out',
        '/etc/argosy-out',
        '/usr/missing',
        '/tmp/link',
        '/etc/hosts',
        `${dataFolder}/secret`,
      ]) {
        const file = await files.capturedPath(name);
        seen[name] = file === null ? null : lstatSync(file).isFile() ? readFileSync(file, 'utf8') : 'not a file';
      }
      return '';
    };
    const end = await run(
      'set -e; cat /tmp/in/text /data/new/text /etc/argosy-test > /tmp/out; test -d /run/folder; echo d > /data/out; echo e > /etc/argosy-out; rm /etc/hosts; ln -s /etc/argosy-out /tmp/link',
      { work: { inputArtifacts: [{ name: 'in', path: '/tmp/in/text' }] } },
    );
    expect(end).toMatchObject({ phase: 'Succeeded' });
    expect(seen).toEqual({
      '/tmp/out': 'tmp data etc',
      '/data/out': 'd\n',
      '/etc/argosy-out': 'e\n',
      '/usr/missing': null,
      '/tmp/link': 'e\n',
      '/etc/hosts': null,
      [`${dataFolder}/secret`]: null,
    });
  });

  // A user who is not root cannot change folders of others, in a pod neither.
  it.skipIf(process.getuid?.() !== 0)(
    'captures a folder of the host with the changes that the pod made, and nothing that is hidden',
    async () => {
      let names: string[] = [];
      let hidden: string[] | null = [];
      const parent = path.dirname(dataFolder);
      capture = async (files) => {
        names = readdirSync((await files.capturedPath('/etc/alternatives')) ?? '');
        const captured = await files.capturedPath(parent);
        hidden = captured === null ? null : readdirSync(captured);
        return '';
      };
      const [removed = ''] = readdirSync('/etc/alternatives');
      const end = await run(`rm '/etc/alternatives/${removed}'; echo x > /etc/alternatives/argosy-test`);
      expect(end).toMatchObject({ phase: 'Succeeded' });
      const expected = readdirSync('/etc/alternatives').filter((name) => name !== removed);
      expect(names.sort()).toEqual([...expected, 'argosy-test'].sort());
      // The pod has a /tmp of its own: where the folder lies below the host's, not even its neighbours are seen.
      expect(hidden).toEqual(parent.startsWith('/tmp/') ? null : ['visible']);
    },
  );

  it('follows links of the pod inside the pod only', async () => {
    capture = async (files) => String(await files.capturedPath('/tmp/escape'));
    const end = await run(`ln -s '${dataFolder}/secret' /tmp/escape`);
    expect(end.outputs?.result).toBe('null');
  });

  it('ends in Error with the message where the inputs can never be had', async () => {
    stage = async () => {
      throw new UserError('the key does not exist');
    };
    const end = await run('true', { work: { inputArtifacts: [{ name: 'in', path: '/tmp/in' }] } });
    expect(end).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'the key does not exist' });
  });

  it('ends in Error where the runtime itself meets an error that it does not know', async () => {
    capture = async () => {
      throw new TypeError('a bug');
    };
    const end = await run('true');
    expect(end).toMatchObject({ phase: 'Failed', infrastructure: true, message: 'the pod could not be followed: a bug' });
  });

  it('keeps the whole log of a program that opens /dev/stdout anew', async () => {
    const end = await run('echo one; echo two > /dev/stdout; echo three > /dev/stderr; echo four');
    expect(end.outputs?.result).toBe('one\ntwo\nfour\n');
  });

  it('gives the folder of an emptyDir volume and refuses other volumes by name', async () => {
    const container = { volumeMounts: [{ name: 'work', mountPath: '/scratch/work' }] };
    const end = await run('echo kept > /scratch/work/file && cat /scratch/work/file', {
      container,
      template: { volumes: [{ name: 'work', emptyDir: {} }] },
    });
    expect(end.outputs?.result).toBe('kept\n');
  });
});
