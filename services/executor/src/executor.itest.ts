import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { PodWork } from '#libs/pod-spec';
import { eventually, outcomeOf, spawnTypeScript } from '#libs/testing';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
let base: string;
const at = (...names: string[]): string => path.join(base, ...names);

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'executor-'));
  for (const folder of ['a', 'b', 'logs']) await mkdir(at(folder));
  await writeFile(at('stdout'), 'printed\n');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const run = (...args: string[]): ReturnType<typeof outcomeOf> =>
  outcomeOf(
    spawnTypeScript(MAIN, {
      args,
      env: { ARTIFACT_FOLDER: at('artifacts'), SECRETS_FOLDER: at('secrets'), LOG_LEVEL: 'silent' },
    }),
  );

async function describePod(work: Partial<PodWork>): Promise<string> {
  const file = at('pod.json');
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'wf-a' }, spec: { containers: [{ name: 'main' }] } },
    work: {
      ...{
        workflowName: 'wf',
        workflowNamespace: 'argo',
        workflowUid: 'u',
        nodeId: 'wf-a',
        captureResult: false,
        archiveLogs: false,
      },
      ...{ inputArtifacts: [], outputParameters: [], outputArtifacts: [], archiveKey: 'wf/wf-a', repository: { filesystem: {} } },
      terminationGracePeriodSeconds: 30,
      ...work,
    },
  };
  await writeFile(file, JSON.stringify(pod));
  return file;
}
const capture = async (work: Partial<PodWork>, ...more: string[]): ReturnType<typeof outcomeOf> =>
  run('capture', '--pod', await describePod(work), '--root', at('a'), '--exit-code', '0', '--stdout', at('stdout'), ...more);

describe('the executor as a program', () => {
  it('captures the outputs of one pod, and stages them into the next', async () => {
    await mkdir(at('a/tmp/tree/sub'), { recursive: true });
    await writeFile(at('a/tmp/tree/sub/file'), 'content', { mode: 0o640 });
    await writeFile(at('a/tmp/value'), 'v\n');
    await writeFile(at('logs/main.log'), 'all that was printed');
    const work: Partial<PodWork> = {
      captureResult: true,
      archiveLogs: true,
      outputArtifacts: [{ name: 'tree', path: '/tmp/tree' }],
      outputParameters: [{ name: 'p', valueFrom: { path: '/tmp/value' } }],
    };
    const captured = await capture(work, '--logs', at('logs'), '--report', at('report.json'));
    expect(captured).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(JSON.parse(await readFile(at('report.json'), 'utf8'))).toEqual({
      outputs: {
        result: 'printed',
        parameters: [{ name: 'p', value: 'v', valueFrom: { path: '/tmp/value' } }],
        artifacts: [
          { name: 'tree', path: '/tmp/tree', filesystem: { key: 'wf/wf-a/tree.tgz' } },
          { name: 'main-logs', filesystem: { key: 'wf/wf-a/main.log' } },
        ],
      },
    });
    expect(await readFile(at('artifacts/wf/wf-a/main.log'), 'utf8')).toBe('all that was printed');

    const inputArtifacts = [{ name: 'in', path: '/data/in', filesystem: { key: 'wf/wf-a/tree.tgz' } }];
    const staged = await run('stage', '--pod', await describePod({ inputArtifacts }), '--root', at('b'));
    expect(staged).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await readFile(at('b/data/in/sub/file'), 'utf8')).toBe('content');
  });

  it('ends with 64 and the message of Argo where an output is missing, and reports the others', async () => {
    const captured = await capture({ captureResult: true, outputArtifacts: [{ name: 'a', path: '/tmp/none' }] });
    expect(captured.exitCode).toBe(64);
    expect(captured.stderr).toBe(
      'wait: Error (exit code 64): open /var/run/argo/outputs/artifacts/tmp/none.tgz: no such file or directory; \n',
    );
    expect(JSON.parse(captured.stdout)).toMatchObject({ outputs: { result: 'printed' } });
  });

  it('ends with 75 where the store is away, so that it is run again', async () => {
    await mkdir(at('secrets/c'), { recursive: true });
    for (const key of ['a', 's']) await writeFile(at('secrets/c', key), 'x');
    const s3 = {
      endpoint: '127.0.0.1:1',
      insecure: true,
      bucket: 'b',
      key: 'k',
      accessKeySecret: { name: 'c', key: 'a' },
      secretKeySecret: { name: 'c', key: 's' },
    };
    const pod = await describePod({ inputArtifacts: [{ name: 'in', path: '/in', s3 }] });
    expect(await run('stage', '--pod', pod, '--root', at('b'))).toMatchObject({ exitCode: 75 });
  });

  it('ends with 2 and its usage where it is called wrongly', async () => {
    const refused = await run('stage');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/--pod is required[^]*usage:/);
  });

  it('ends with 2 where the description is no pod', async () => {
    await writeFile(at('pod.json'), JSON.stringify({ kind: 'Pod' }));
    const refused = await run('stage', '--pod', at('pod.json'), '--root', at('b'));
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(/is no pod description/);
  });
});

describe('the executor of a pod that is asked to end', () => {
  /** An object store that has begun an upload and takes no part to its end. */
  const slowStore = async (): Promise<{ endpoint: string; requests: string[]; close: () => Promise<unknown> }> => {
    const requests: string[] = [];
    const server = createServer((request, response) => {
      const { method = '', url = '' } = request;
      requests.push(`${method} ${url.replace(/^.*\?/, '')}`);
      if (method === 'POST')
        response.end('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>');
      else if (method === 'DELETE') response.writeHead(204).end();
      else if (method === 'GET') response.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>');
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    const close = (): Promise<unknown> => {
      server.closeAllConnections();
      return new Promise((settle) => server.close(settle));
    };
    return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close };
  };
  const captureTo = async (endpoint: string, env: Record<string, string>): Promise<ChildProcess> => {
    await writeFile(at('a/large'), Buffer.alloc(20 * 1024 ** 2));
    await mkdir(at('secrets/keys'), { recursive: true });
    await writeFile(at('secrets/keys/key'), 'value');
    const secret = { name: 'keys', key: 'key' };
    const s3 = { endpoint, bucket: 'b', insecure: true, accessKeySecret: secret, secretKeySecret: secret };
    const outputArtifacts = [{ name: 'large', path: '/large', archive: { none: {} } }];
    const pod = await describePod({ outputArtifacts, repository: { s3 }, terminationGracePeriodSeconds: 2 });
    return spawnTypeScript(MAIN, {
      args: ['capture', '--pod', pod, '--root', at('a'), '--exit-code', '0', '--stdout', at('stdout')],
      env: { SECRETS_FOLDER: at('secrets'), LOG_LEVEL: 'silent', ...env },
    });
  };

  it.each([
    { how: 'while it saves', env: {} },
    { how: 'before it began', env: { ASKED_TO_END_AT: '1' } },
  ])('discards the parts of an upload when the grace period is nearly over, asked $how', async ({ how, env }) => {
    const store = await slowStore();
    try {
      const child = await captureTo(store.endpoint, env);
      const ended = outcomeOf(child);
      if (how === 'while it saves') {
        await eventually(
          () => store.requests.some((request) => request.startsWith('PUT')),
          () => `a part is under way: ${store.requests.join()}`,
          30_000,
        );
        child.kill('SIGTERM');
      }
      const { exitCode, stderr } = await ended;
      expect([exitCode, stderr]).toEqual([143, expect.stringContaining('its grace period is over')]);
      const begun = store.requests.filter((request) => request.startsWith('POST')).length;
      expect(store.requests.filter((request) => request === 'DELETE uploadId=u1&x-id=AbortMultipartUpload').length).toBe(begun);
    } finally {
      await store.close();
    }
  });
});
