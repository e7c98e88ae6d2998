import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { PodManifest, PodWork } from '#libs/pod-spec';
import { PermanentError, TransientError, type Artifact, type ArtifactLocation, type Parameter } from '#libs/workflow-spec';

import type { ArtifactTransfer, PodExit, PodFiles } from './pod-files.js';
import { createPodExecution } from './pod-staging.js';

interface Saved {
  location: ArtifactLocation;
  hostPath?: string;
  text?: string;
  metadata: Record<string, string>;
  entryName?: string;
}

/** A store in memory: objects by location; a load writes the text. */
class FakeTransfer implements ArtifactTransfer {
  readonly objects = new Map<string, string>();
  readonly saved: Saved[] = [];
  failure: Error | undefined;

  put(location: ArtifactLocation, text: string): void {
    this.objects.set(JSON.stringify(location), text);
  }

  async load({ location, hostPath }: { location: ArtifactLocation; hostPath: string }): Promise<'loaded' | 'missing'> {
    if (this.failure !== undefined) throw this.failure;
    const text = this.objects.get(JSON.stringify(location));
    if (text === undefined) return 'missing';
    await rm(hostPath, { recursive: true, force: true });
    await writeFile(hostPath, text);
    return 'loaded';
  }

  async save(request: Saved): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.saved.push(request);
  }

  async saveBytes({
    location,
    body,
    metadata,
  }: {
    location: ArtifactLocation;
    body: Readable;
    metadata: Record<string, string>;
  }): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.saved.push({ location, metadata, text: (await buffer(body)).toString() });
  }
}

let root: string;
let transfer: FakeTransfer;
let stdout: Buffer;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'execution-'));
  transfer = new FakeTransfer();
  stdout = Buffer.alloc(0);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const inPod = (containerPath: string): string => path.join(root, containerPath);
const files: PodFiles = {
  stagePath: async (containerPath) => {
    await mkdir(path.dirname(inPod(containerPath)), { recursive: true });
    return inPod(containerPath);
  },
  capturedPath: async (containerPath) =>
    lstat(inPod(containerPath)).then(
      () => inPod(containerPath),
      () => null,
    ),
  stdoutTail: async (maxBytes) => stdout.subarray(Math.max(0, stdout.length - maxBytes)),
  async *readLog(container) {
    yield Buffer.from(`log of ${container}`);
  },
};

const manifestOf = (work: Partial<PodWork>, mounts: string[] = []): PodManifest => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'wf-main-1' },
  spec: {
    containers: [
      { name: 'wait', image: 'x' },
      {
        name: 'main',
        image: 'x',
        volumeMounts: [{ name: 'run', mountPath: '/var/run/argo' }, ...mounts.map((mountPath) => ({ name: 'v', mountPath }))],
      },
      { name: 'side', image: 'x' },
    ],
  },
  work: {
    ...{ workflowName: 'wf', workflowNamespace: 'argo', workflowUid: 'uid-1', nodeId: 'wf-1' },
    ...{ inputArtifacts: [], outputParameters: [], outputArtifacts: [], captureResult: false, archiveLogs: false },
    ...{ archiveKey: 'wf/wf-main-1', repository: { s3: { bucket: 'b', endpoint: 'e', keyFormat: 'k' } } },
    terminationGracePeriodSeconds: 30,
    ...work,
  },
});
const ended = (exitCode: number): PodExit => ({ exitCode, startedAtMs: 0, finishedAtMs: 1 });
const stage = (inputArtifacts: Artifact[]): Promise<void> =>
  createPodExecution(transfer).stage(manifestOf({ inputArtifacts }), files);
const capture = (
  work: Partial<PodWork>,
  { exitCode = 0, mounts = [] as string[] } = {},
): ReturnType<ReturnType<typeof createPodExecution>['capture']> =>
  createPodExecution(transfer).capture(manifestOf(work, mounts), files, ended(exitCode));
const leave = async (containerPath: string, text: string): Promise<void> => {
  await mkdir(path.dirname(inPod(containerPath)), { recursive: true });
  await writeFile(inPod(containerPath), text);
};

describe('staging', () => {
  it('puts an artifact at its path, from its key in the repository or from a place of its own', async () => {
    transfer.put({ s3: { bucket: 'b', endpoint: 'e', key: 'k1' } }, 'one');
    transfer.put({ raw: { data: 'two' } }, 'two');
    await stage([
      { name: 'a', path: '/in/a', s3: { key: 'k1' } },
      { name: 'b', path: '/in/deep/b/', raw: { data: 'two' } },
    ]);
    expect(await readFile(inPod('/in/a'), 'utf8')).toBe('one');
    expect(await readFile(inPod('/in/deep/b'), 'utf8')).toBe('two');
  });

  it('sets the mode, of all that is below where asked, and leaves links alone', async () => {
    await mkdir(inPod('/outside'), { recursive: true });
    await writeFile(inPod('/outside/x'), 'x', { mode: 0o600 });
    transfer.load = async ({ hostPath }) => {
      await mkdir(hostPath, { recursive: true });
      await writeFile(path.join(hostPath, 'f'), 'f', { mode: 0o600 });
      await symlink(inPod('/outside/x'), path.join(hostPath, 'link'));
      return 'loaded';
    };
    await stage([{ name: 'a', path: '/in/a', raw: { data: '' }, mode: 0o755, recurseMode: true }]);
    await stage([{ name: 'b', path: '/in/b', raw: { data: '' }, mode: 0o711 }]);
    const modeOf = async (name: string): Promise<number> => (await lstat(inPod(name))).mode & 0o777;
    expect([await modeOf('/in/a'), await modeOf('/in/a/f'), await modeOf('/outside/x')]).toEqual([0o755, 0o755, 0o600]);
    expect([await modeOf('/in/b'), await modeOf('/in/b/f')]).toEqual([0o711, 0o600]);
  });

  it('leaves out an optional artifact that was not supplied or is not there', async () => {
    await stage([
      { name: 'a', path: '/in/a', optional: true },
      { name: 'b', path: '/in/b', optional: true, s3: { key: 'missing' } },
    ]);
    expect(await readdir(inPod('/in'))).toEqual([]);
  });

  it.each<[Artifact, string]>([
    [{ name: 'a', path: '/in/a' }, "init: Error (exit code 64): required artifact 'a' not supplied"],
    [
      { name: 'a', path: '/in/a', s3: { key: 'missing' } },
      'init: Error (exit code 64): artifact a failed to load: the object does not exist',
    ],
    [
      { name: 'a', path: '/', raw: { data: '' } },
      'init: Error (exit code 64): artifact a failed to load: "/" is not a path in the container',
    ],
    [
      { name: 'a', path: 'relative', raw: { data: '' } },
      'init: Error (exit code 64): artifact a failed to load: "relative" is not a path in the container',
    ],
  ])('ends %j with its message', async (artifact, message) => {
    await expect(stage([artifact])).rejects.toMatchObject({ name: 'StagingError', message });
  });

  it('passes on that the store is away, and makes a refusal the message of the node', async () => {
    const artifact: Artifact = { name: 'a', path: '/in/a', raw: { data: '' } };
    transfer.failure = new TransientError('away');
    await expect(stage([artifact])).rejects.toBe(transfer.failure);
    transfer.failure = new PermanentError('Access Denied.');
    await expect(stage([artifact])).rejects.toMatchObject({
      message: 'init: Error (exit code 64): artifact a failed to load: Access Denied.',
    });
  });
});

describe('the result', () => {
  it.each([
    ['hello\n', 'hello'],
    ['hello\n\n', 'hello\n'],
    ['', ''],
    ['\n', ''],
    ['nul\0l', 'nul\ufffdl'],
  ])('of %j is %j', async (printed, result) => {
    stdout = Buffer.from(printed);
    expect(await capture({ captureResult: true })).toEqual({ outputs: { result } });
  });

  it('is the last 256 KiB, counted without the newline that is dropped', async () => {
    const kept = 'k'.repeat(256 * 1024);
    stdout = Buffer.from(`dropped${kept}\n`);
    expect((await capture({ captureResult: true })).outputs.result).toBe(kept);
    stdout = Buffer.from(`dropped${kept}`);
    expect((await capture({ captureResult: true })).outputs.result).toBe(kept);
  });
});

describe('output parameters', () => {
  const parameter = (more: Parameter['valueFrom'] = {}): Parameter => ({ name: 'p', valueFrom: { path: '/tmp/p', ...more } });

  it('take the file without one trailing newline, and fall back to their default', async () => {
    await leave('/tmp/p', 'value\n\n');
    expect((await capture({ outputParameters: [parameter()] })).outputs.parameters).toEqual([
      { ...parameter(), value: 'value\n' },
    ]);
    const missing = { path: '/tmp/none', default: 'fallback\n' };
    expect(await capture({ outputParameters: [parameter(missing)] })).toEqual({
      outputs: { parameters: [{ ...parameter(missing), value: 'fallback' }] },
    });
  });

  it('say where they were looked for', async () => {
    const missing = (exitCode: number, mounts: string[] = []): Promise<unknown> =>
      capture({ outputParameters: [parameter()] }, { exitCode, mounts });
    const outputs = { parameters: [parameter()] };
    const message = 'wait: Error (exit code 64): open /var/run/argo/outputs/parameters/tmp/p: no such file or directory';
    expect(await missing(0)).toEqual({ outputs, error: message });
    expect(await missing(0, ['/tmp'])).toEqual({
      outputs,
      error: 'wait: Error (exit code 64): open /mainctrfs/tmp/p: no such file or directory',
    });
    expect(await missing(1)).toEqual({ outputs });
  });

  it('refuse a folder and a file that is larger than 1 MiB', async () => {
    await mkdir(inPod('/tmp/p'), { recursive: true });
    expect((await capture({ outputParameters: [parameter()] })).error).toMatch(/is a directory$/);
    await rm(inPod('/tmp/p'), { recursive: true });
    await leave('/tmp/p', 'x'.repeat(1024 ** 2 + 1));
    expect((await capture({ outputParameters: [parameter()] })).error).toMatch(/larger than 1048576 bytes$/);
  });

  it('without a path are reported as they are', async () => {
    expect(await capture({ outputParameters: [{ name: 'p', value: 'v' }] })).toEqual({
      outputs: { parameters: [{ name: 'p', value: 'v' }] },
    });
  });
});

describe('output artifacts', () => {
  it.each<[Partial<Artifact>, string]>([
    [{}, 'wf/wf-main-1/art.tgz'],
    [{ archive: { tar: { compressionLevel: 0 } } }, 'wf/wf-main-1/art.tgz'],
    [{ archive: { zip: {} } }, 'wf/wf-main-1/art.zip'],
    [{ archive: { none: {} } }, 'wf/wf-main-1/out.txt'],
    [{ s3: { key: 'mine' } }, 'mine'],
  ])('with %j go to %s in the repository and are reported with the key alone', async (more, key) => {
    await leave('/tmp/out.txt', 'x');
    const artifact: Artifact = { name: 'art', path: '/tmp/out.txt', ...more };
    expect(await capture({ outputArtifacts: [artifact] })).toEqual({ outputs: { artifacts: [{ ...artifact, s3: { key } }] } });
    expect(transfer.saved).toMatchObject([
      {
        location: { s3: { bucket: 'b', endpoint: 'e', key } },
        entryName: 'out.txt',
        metadata: { 'workflow-uid': 'uid-1', 'node-id': 'wf-1' },
      },
    ]);
    expect(transfer.saved[0]?.location.s3).not.toHaveProperty('keyFormat');
  });

  it('with a place of their own go there and are reported with it', async () => {
    await leave('/tmp/out.txt', 'x');
    const own = { name: 'art', path: '/tmp/out.txt', s3: { bucket: 'other', endpoint: 'there', key: 'mine' } };
    expect(await capture({ outputArtifacts: [own] })).toEqual({ outputs: { artifacts: [own] } });
    expect(transfer.saved[0]?.location).toEqual({ s3: own.s3 });
  });

  it('that are missing end the node unless optional, and do not keep the others from being saved', async () => {
    await leave('/tmp/b', 'x');
    const outputArtifacts = [
      { name: 'a', path: '/tmp/a' },
      { name: 'b', path: '/tmp/b' },
      { name: 'c', path: '/tmp/c', optional: true },
      { name: 'd', path: '/mnt/d', archive: { none: {} } },
      { name: 'e', path: '/mnt/e' },
    ];
    const captured = await capture({ outputArtifacts }, { mounts: ['/mnt'] });
    expect(captured.outputs.artifacts?.map(({ name }) => name)).toEqual(['b']);
    expect(captured.error).toBe(
      'wait: Error (exit code 64): open /var/run/argo/outputs/artifacts/tmp/a.tgz: no such file or directory; /mnt/d no such file or directory; stat /mainctrfs/mnt/e: no such file or directory; ',
    );
  });

  it('are saved after a failure of main too, whose message then counts', async () => {
    await leave('/tmp/b', 'x');
    const captured = await capture(
      {
        outputArtifacts: [
          { name: 'a', path: '/tmp/a' },
          { name: 'b', path: '/tmp/b' },
        ],
      },
      { exitCode: 3 },
    );
    expect(captured.error).toBeUndefined();
    expect(captured.outputs.artifacts?.map(({ name }) => name)).toEqual(['b']);
  });

  it('need a repository', async () => {
    await leave('/tmp/a', 'x');
    const work = manifestOf({ outputArtifacts: [{ name: 'a', path: '/tmp/a' }] });
    delete work.work.repository;
    const captured = await createPodExecution(transfer).capture(work, files, ended(0));
    expect(captured.error).toMatch(/^wait: Error \(exit code 64\): You need to configure artifact storage\./);
  });

  it('pass on that the store is away, and take a refusal for the message', async () => {
    await leave('/tmp/a', 'x');
    const outputArtifacts = [{ name: 'a', path: '/tmp/a' }];
    transfer.failure = new TransientError('away');
    await expect(capture({ outputArtifacts })).rejects.toBe(transfer.failure);
    transfer.failure = new PermanentError('Access Denied.');
    expect((await capture({ outputArtifacts })).error).toBe('wait: Error (exit code 64): Access Denied.; ');
    transfer.failure = new TypeError('a bug');
    await expect(capture({ outputArtifacts })).rejects.toBe(transfer.failure);
  });

  it('give the same report when the capture is repeated', async () => {
    await leave('/tmp/a', 'x');
    await leave('/tmp/p', 'v');
    stdout = Buffer.from('out');
    const work: Partial<PodWork> = {
      captureResult: true,
      archiveLogs: true,
      outputArtifacts: [{ name: 'a', path: '/tmp/a' }],
      outputParameters: [{ name: 'p', valueFrom: { path: '/tmp/p' } }],
    };
    expect(await capture(work)).toEqual(await capture(work));
    expect(transfer.saved.slice(0, 2).map(({ location }) => location)).toEqual(
      transfer.saved.slice(2).map(({ location }) => location),
    );
  });
});

describe('logs', () => {
  it('of the main containers are saved and reported after the artifacts', async () => {
    await leave('/tmp/a', 'x');
    const captured = await capture({ archiveLogs: true, outputArtifacts: [{ name: 'a', path: '/tmp/a' }] });
    expect(captured.outputs.artifacts).toEqual([
      { name: 'a', path: '/tmp/a', s3: { key: 'wf/wf-main-1/a.tgz' } },
      { name: 'main-logs', s3: { key: 'wf/wf-main-1/main.log' } },
    ]);
    expect(transfer.saved.slice(1).map(({ text }) => text)).toEqual(['log of main']);
  });

  it('are not saved where nobody asked for them', async () => {
    expect(await capture({})).toEqual({ outputs: {} });
    expect(transfer.saved).toEqual([]);
  });
});
