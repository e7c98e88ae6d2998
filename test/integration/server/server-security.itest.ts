import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { listenAddress, serverSchema } from '#services/server';
import { loadConfig } from '#libs/config';
import { startServerUnderTest, type ServerTestOptions, type ServerUnderTest } from './server-under-test.js';

const TOKEN = 'a-long-enough-token';
let server: ServerUnderTest | undefined;
const start = async (options: ServerTestOptions = {}): Promise<ServerUnderTest> => {
  server = await startServerUnderTest({ database: false, ...options });
  return server;
};
afterEach(() => server?.close());

/** With headers that fetch would not let a caller choose. */
function raw(url: string, method: string, headers: OutgoingHttpHeaders, body = ''): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

describe('without a token', () => {
  it('refuses to listen on anything but loopback', () => {
    const config = (environment: Record<string, string>) => loadConfig(serverSchema, environment);
    expect(listenAddress(config({}))).toBe('127.0.0.1');
    expect(listenAddress(config({ HOST: '::1' }))).toBe('::1');
    expect(() => listenAddress(config({ HOST: '0.0.0.0' }))).toThrow('refusing to listen on 0.0.0.0 without authentication');
    expect(() => listenAddress(config({ HOST: '192.168.1.2' }))).toThrow('AUTH_TOKEN');
    expect(listenAddress(config({ AUTH_TOKEN: TOKEN }))).toBe('0.0.0.0');
  });

  it('refuses a DNS name that was rebound to this machine', async () => {
    const { url } = await start();
    const { port } = new URL(url);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '0.0.0.0',
      'a b',
    ]) {
      const answer = await raw(`${url}/api/v1/version`, 'GET', { host });
      expect([host, answer.status]).toEqual([host, 403]);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, '127.9.9.9']) {
      expect([host, (await raw(`${url}/api/v1/version`, 'GET', { host })).status]).toEqual([host, 200]);
    }
  });

  it('refuses what a page of another origin sends, and lets its own pages through', async () => {
    const { url } = await start();
    for (const origin of ['https://evil.example', 'http://localhost:3000', 'null']) {
      const answer = await raw(`${url}/api/v1/workflows/lab`, 'POST', { origin, 'content-type': 'application/json' }, '{}');
      expect([origin, answer.status]).toEqual([origin, 403]);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 7 });
    }
    expect(
      (await raw(`${url}/api/v1/version`, 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status,
    ).toBe(403);
    expect((await raw(`${url}/api/v1/version`, 'GET', { origin: url, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  it('takes JSON only, so that no form can drive it', async () => {
    const { url } = await start();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      const answer = await raw(`${url}/api/v1/workflows/lab`, 'POST', { 'content-type': type }, '{"workflow":{}}');
      expect([type, answer.status]).toEqual([type, 415]);
    }
  });
});

describe('with a token', () => {
  it('lets only the token pass, on the dashboards too, and leaves probes open', async () => {
    const { url, request } = await start({
      environment: { AUTH_TOKEN: TOKEN, HOST: '127.0.0.1' },
      queueBoard: (_request, response) => void response.json({ board: true }),
    });
    const denied = await request('GET', '/api/v1/version');
    expect(denied).toEqual({
      status: 401,
      body: { code: 16, message: expect.stringMatching(/^token not valid\. see https:/) as string },
    });
    for (const authorization of ['Bearer wrong', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, 'Bearer ', 'Basic abc']) {
      expect([authorization, (await request('GET', '/queues', undefined, { authorization })).status]).toEqual([
        authorization,
        401,
      ]);
    }
    for (const headers of [
      { authorization: `Bearer ${TOKEN}` },
      { authorization: TOKEN },
      { cookie: `a=b; authorization=Bearer%20${TOKEN}` },
    ]) {
      expect((await request('GET', '/api/v1/version', undefined, headers)).status).toBe(200);
      expect((await request('GET', '/queues', undefined, headers)).body).toEqual({ board: true });
    }
    expect((await raw(`${url}/healthz`, 'GET', {})).status).toBe(200);
  });

  it('serves other hosts, but no foreign page that rides on the cookie', async () => {
    const { url } = await start({ environment: { AUTH_TOKEN: TOKEN, HOST: '127.0.0.1' } });
    const authorization = `Bearer ${TOKEN}`;
    expect((await raw(`${url}/api/v1/version`, 'GET', { host: 'argosy.example', authorization })).status).toBe(200);
    expect((await raw(`${url}/api/v1/version`, 'GET', { origin: 'https://app.example', authorization })).status).toBe(200);
    const cookie = `authorization=${authorization}`;
    expect((await raw(`${url}/api/v1/version`, 'GET', { origin: 'https://evil.example', cookie })).status).toBe(403);
  });
});

describe('hostile and broken bodies', () => {
  const post = (body: string) => server?.request('POST', '/api/v1/workflows/lab', body);

  it('are refused with the place, whole, and without harm', async () => {
    await start({ environment: { MAX_BODY: '64Ki' } });
    expect(await post('{not json')).toEqual({
      status: 400,
      body: { code: 3, message: "invalid character 'n' looking for beginning of object key string" },
    });
    expect(await post(`{"workflow":{"metadata":{"name":"${'x'.repeat(70_000)}"}}}`)).toEqual({
      status: 413,
      body: { code: 3, message: 'body is larger than 65536 bytes' },
    });
    expect(await post(`{"workflow":{"metadata":{"__proto__":{"admin":true}}}}`)).toEqual({
      status: 400,
      body: { code: 3, message: 'field "workflow.metadata.__proto__" is not allowed' },
    });
    expect(await post(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)).toMatchObject({ status: 400, body: { code: 3 } });
    expect(await post('[]')).toEqual({
      status: 400,
      body: { code: 3, message: 'body: Invalid input: expected object, received array' },
    });
    expect(await post('{}')).toEqual({ status: 400, body: { code: 3, message: 'workflow body not specified' } });
    expect(await post('{"workflow":{"metadata":{"name":5}}}')).toEqual({
      status: 400,
      body: {
        code: 3,
        message: 'json: cannot unmarshal number into Go struct field ObjectMeta.workflow.metadata.name of type string',
      },
    });
    expect(await post('{"workflow":{"spec":{"templates":"x"}}}')).toMatchObject({ status: 400, body: { code: 3 } });
  });

  it('name a feature that does not run yet instead of ignoring it', async () => {
    await start();
    const answer = await post(
      '{"workflow":{"spec":{"entrypoint":"main","templates":[{"name":"main","container":{"image":"x"},"inputs":{"artifacts":[{"name":"a","oss":{"lifecycleRule":{}}}]}}]}}}',
    );
    expect(answer).toEqual({
      status: 400,
      body: { code: 3, message: 'template main: field inputs.artifacts[0].oss.lifecycleRule is not supported yet' },
    });
  });
});

describe('while the database is away', () => {
  it('stays up, answers 503 in the API’s shape and says so on /readyz', async () => {
    const { request } = await start();
    expect((await request('GET', '/healthz')).status).toBe(200);
    expect((await request('GET', '/readyz')).status).toBe(503);
    expect((await request('GET', '/api/v1/version')).status).toBe(200);
    for (const path of [
      '/api/v1/workflows/lab',
      '/api/v1/workflows/lab/x',
      '/api/v1/archived-workflows',
      '/api/v1/workflow-templates/lab',
    ]) {
      const answer = await request('GET', path);
      expect([path, answer.status, (answer.body as { code: number }).code]).toEqual([path, 503, 14]);
    }
  });
});

describe('what is not served', () => {
  it('answers 501 in the API’s shape and names the feature where it is known', async () => {
    const { request } = await start();
    expect(await request('GET', '/api/v1/nonsense')).toEqual({ status: 501, body: { code: 12, message: 'Not Implemented' } });
    expect(await request('GET', '/api/v1/event-sources/lab')).toEqual({
      status: 501,
      body: { code: 12, message: 'event sources are not supported yet' },
    });
  });
});
