import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PodManifest } from '#libs/pod-spec';
import type { HttpTemplate } from '#libs/workflow-spec';
import type { TaskEnd } from '../task.js';
import { httpTask } from './http-task.js';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

const seen: Seen[] = [];
let server: Server;
let base: string;

const answers: Record<string, (response: ServerResponse, request: Seen) => void> = {
  '/echo': (response, { body }) => response.setHeader('x-kind', 'echo').end(body),
  '/created': (response) => response.writeHead(201, { Server: 'stub' }).end('{"x":1}'),
  '/missing': (response) => response.writeHead(404).end('nothing here'),
  '/moved': (response) => response.writeHead(302, { location: '/echo' }).end(),
  '/kept': (response) => response.writeHead(307, { location: '/echo' }).end(),
  '/abroad': (response) => response.writeHead(302, { location: `${base.replace('127.0.0.1', 'localhost')}/echo` }).end(),
  '/round': (response) => response.writeHead(302, { location: '/round' }).end(),
  '/silent': () => undefined,
  '/large': (response) => response.end('x'.repeat(1024 * 1024 + 1)),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const told = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
      seen.push(told);
      answers[url.replace(/\?.*/, '')]?.(response, told);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const run = (
  http: Partial<HttpTemplate> & { url: string },
  signal = new AbortController().signal,
  log: (line: string) => void = () => undefined,
): Promise<TaskEnd> => {
  seen.length = 0;
  const url = http.url.startsWith('/') ? `${base}${http.url}` : http.url;
  return httpTask(async (namespace, name, key) =>
    namespace === 'team' && name === 'creds' && key === 'token' ? 's3cret' : null,
  )({
    identity: { workflowUid: 'w', nodeId: 'n', incarnation: 0 },
    manifest: { work: { workflowNamespace: 'team' } } as PodManifest,
    order: { kind: 'http', http: { ...http, url } },
    signal,
    log,
    report: async () => undefined,
  });
};
const header = (name: string): unknown => seen.at(-1)?.headers[name];

describe('an http template', () => {
  it('gives the body of a 2xx answer as its result', async () => {
    expect(await run({ url: '/echo', method: 'POST', body: 'héllo' })).toEqual({
      phase: 'Succeeded',
      outputs: { result: 'héllo' },
    });
    expect(await run({ url: '/echo', method: 'PUT', bodyFrom: { bytes: Buffer.from('raw').toString('base64') } })).toMatchObject({
      outputs: { result: 'raw' },
    });
  });

  it('fails with the status of any other answer', async () => {
    expect(await run({ url: '/missing' })).toMatchObject({ phase: 'Failed', message: 'received non-2xx response code: 404' });
  });

  it('lets its condition decide instead of the status', async () => {
    expect(await run({ url: '/missing', successCondition: 'response.statusCode == 404' })).toMatchObject({ phase: 'Succeeded' });
    expect(
      await run({ url: '/created', successCondition: 'response.headers["Server"][0] == "stub" && request.method == "GET"' }),
    ).toMatchObject({
      phase: 'Succeeded',
    });
    expect(await run({ url: '/created', successCondition: 'response.body contains "google"' })).toMatchObject({
      phase: 'Failed',
      message: `successCondition 'response.body contains "google"' evaluated false`,
    });
  });

  it('reads secret headers when it asks, and refuses a Secret that is not there', async () => {
    await run({ url: '/echo', headers: [{ name: 'X-Token', valueFrom: { secretKeyRef: { name: 'creds', key: 'token' } } }] });
    expect(header('x-token')).toBe('s3cret');
    await expect(
      run({ url: '/echo', headers: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'creds', key: 'none' } } }] }),
    ).rejects.toThrow('secret "creds" has no key "none"');
  });

  it('follows redirects as Go does', async () => {
    await run({ url: '/moved', method: 'POST', body: 'x' });
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/moved', 'x'],
      ['GET', '/echo', ''],
    ]);
    await run({ url: '/kept', method: 'POST', body: 'x' });
    expect(seen.at(-1)).toMatchObject({ method: 'POST', body: 'x' });
    await expect(run({ url: '/round' })).rejects.toThrow('Get "/round": stopped after 10 redirects');
  });

  it('takes neither personal nor secret headers to another host', async () => {
    const headers = [
      { name: 'Authorization', value: 'Bearer a' },
      { name: 'X-Token', valueFrom: { secretKeyRef: { name: 'creds', key: 'token' } } },
      { name: 'X-Plain', value: 'b' },
    ];
    await run({ url: '/abroad', headers });
    expect([header('authorization'), header('x-token'), header('x-plain')]).toEqual([undefined, undefined, 'b']);
  });

  it('is in error where there is no answer, in the words of Go', async () => {
    await expect(run({ url: 'http://127.0.0.1:1/x' })).rejects.toThrow(
      'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
    );
    await expect(run({ url: 'http://user:word@127.0.0.1:1/x' })).rejects.toThrow('Get "http://user:***@127.0.0.1:1/x": dial tcp');
    await expect(run({ url: 'ftp://127.0.0.1/x' })).rejects.toThrow('unsupported protocol scheme "ftp"');
    await expect(run({ url: '/silent', timeoutSeconds: 0.05 })).rejects.toThrow('context deadline exceeded');
    await expect(run({ url: '/large' })).rejects.toThrow("the response's body is larger than 1048576 bytes");
  });

  it('ends at once when it has to', async () => {
    const ending = new AbortController();
    const running = run({ url: '/silent' }, ending.signal);
    setTimeout(() => ending.abort(), 20);
    await expect(running).rejects.toThrow('context canceled');
  });

  it('says in its log where it asked, without what may be a secret', async () => {
    const lines: string[] = [];
    await run({ url: base.replace('http://', 'http://user:word@') + '/echo?token=s3cret' }, undefined, (line) =>
      lines.push(line),
    );
    expect(lines[0]).toBe(`GET ${base.replace('http://', 'http://…@')}/echo?…`);
  });

  it('never has a header value in a message', async () => {
    await expect(run({ url: '/echo', headers: [{ name: 'X', value: 'se\ncret' }] })).rejects.toThrow(
      'net/http: invalid header field value for "X"',
    );
  });
});
