import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ArtifactLocation, JsonValue, KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';

const SECRETS: Record<string, string> = { user: 'admin', pass: 'p:ss', id: 'my id', secret: 's+', url: '' };
const secret = (key: string): KubernetesObject => ({ name: 'web', key });
const basic = (name: string, password: string): string => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Answer = (seen: Seen, response: ServerResponse) => void;

/** The servers of these tests are peers that were written for them. */
describe('the http and artifactory drivers', () => {
  let server: Server;
  let base: string;
  let seen: Seen[];
  let answer: Answer;
  const drivers = createArtifactDrivers({
    clock: { nowMs: () => 0 },
    readSecret: async ({ namespace, key }) => (namespace === 'argo' ? SECRETS[key] : undefined),
  });
  const use = (location: ArtifactLocation) => {
    const driver = drivers.driverFor(location, { namespace: 'argo' });
    return {
      load: async () => text(await driver.load(location)),
      save: (body: string | Readable, sizeBytes?: number) =>
        driver.save(
          location,
          typeof body === 'string' ? Readable.from([Buffer.from(body)]) : body,
          sizeBytes === undefined ? {} : { sizeBytes },
        ),
      driver,
    };
  };
  const http = (path: string, more: KubernetesObject = {}) => use({ http: { url: `${base}${path}`, ...more } });

  beforeEach(async () => {
    seen = [];
    answer = (_seen, response) => response.end('hello');
    server = createServer((request, response) => {
      void buffer(request).then(
        (body) => {
          const { method = '', url = '', headers } = request;
          seen.push({ method, url, headers, body: body.toString() });
          answer(seen.at(-1)!, response);
        },
        () => undefined,
      );
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    SECRETS['url'] = `${base}/token\n`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  it('loads by GET with the headers of the artifact', async () => {
    const headers: JsonValue = [{ name: 'Accept', value: 'text/plain' }];
    expect(await http('/a?b=c', { headers }).load()).toBe('hello');
    expect(seen[0]).toMatchObject({ method: 'GET', url: '/a?b=c', headers: { accept: 'text/plain' } });
  });

  it('saves by PUT, with the length where it is known, else in chunks', async () => {
    await http('/known').save('12345', 5);
    await http('/unknown').save('12345');
    expect(seen.map(({ method, body }) => `${method} ${body}`)).toEqual(['PUT 12345', 'PUT 12345']);
    expect(seen[0]?.headers['content-length']).toBe('5');
    expect(seen[1]?.headers['transfer-encoding']).toBe('chunked');
  });

  it('tells the length of every body where the artifact asks to save by way of a file', async () => {
    await http('/file', { saveStreamViaFile: true }).save('123456789');
    expect(seen[0]).toMatchObject({ body: '123456789', headers: { 'content-length': '9' } });
  });

  it('never ends the request of a body that fails', async () => {
    const failing = Readable.from(
      (function* (): Generator<Buffer> {
        yield Buffer.alloc(100_000);
        throw new Error('the disk is gone');
      })(),
    );
    await expect(http('/broken').save(failing)).rejects.toThrow('the disk is gone');
    expect(seen).toEqual([]);
  });

  it('shows name and password to the server', async () => {
    await http('/a', { auth: { basicAuth: { usernameSecret: secret('user'), passwordSecret: secret('pass') } } }).load();
    expect(seen[0]?.headers.authorization).toBe(basic('admin', 'p:ss'));
    await use({
      artifactory: { url: `${base}/b`, usernameSecret: secret('user'), passwordSecret: secret('pass') },
    }).save('x');
    expect(seen[1]).toMatchObject({ method: 'PUT', url: '/b', headers: { authorization: basic('admin', 'p:ss') } });
  });

  it.each(['header', 'form'])('gets a token by credentials in the %s', async (way) => {
    answer = ({ url, headers, body }, response) => {
      if (url !== '/token') return response.end('hello');
      const byHeader = headers.authorization === basic('my%20id', 's%2B');
      const byForm = new URLSearchParams(body).get('client_secret') === 's+';
      const accepted = way === 'header' ? byHeader : byForm;
      return response.writeHead(accepted ? 200 : 401).end(JSON.stringify({ access_token: 'lent' }));
    };
    const oauth2 = {
      clientIDSecret: secret('id'),
      clientSecretSecret: secret('secret'),
      tokenURLSecret: secret('url'),
      scopes: ['a', 'b'],
      endpointParams: [{ key: 'audience', value: 'x' }],
    };
    expect(await http('/a', { auth: { oauth2 } }).load()).toBe('hello');
    expect(new URLSearchParams(seen[0]?.body)).toEqual(
      new URLSearchParams({ grant_type: 'client_credentials', scope: 'a b', audience: 'x' }),
    );
    expect(seen.at(-1)?.headers.authorization).toBe('Bearer lent');
  });

  it('shows its certificate to a server that wants one', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'argosy-tls-'));
    const [keyFile, certFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=client'];
    execFileSync('openssl', [...made, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    const [key, cert] = [await readFile(keyFile, 'utf8'), await readFile(certFile, 'utf8')];
    await rm(folder, { recursive: true });
    const secure = createSecureServer({ key, cert, ca: cert, requestCert: true }, (request, response) => {
      response.end(`${request.method} of a client`);
    });
    await new Promise<void>((settle) => secure.listen(0, '127.0.0.1', settle));
    Object.assign(SECRETS, { cert, certKey: key });
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`;
    const clientCert = { clientCertSecret: secret('cert'), clientKeySecret: secret('certKey') };
    // Whom the client trusts is not the matter here.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    expect(await use({ http: { url, auth: { clientCert } } }).load()).toBe('GET of a client');
    await use({ http: { url, auth: { clientCert } } }).save('x');
    await expect(use({ http: { url } }).load()).rejects.toMatchObject({ name: 'TransientError' });
    vi.unstubAllEnvs();
    secure.closeAllConnections();
    await new Promise((settle) => secure.close(settle));
  });

  it('follows redirects, without showing credentials to another host', async () => {
    const auth = { basicAuth: { usernameSecret: secret('user'), passwordSecret: secret('pass') } };
    const other = createServer((request, response) => response.end(`shown: ${request.headers.authorization}`));
    await new Promise<void>((settle) => other.listen(0, '127.0.0.1', settle));
    const targets = [`http://127.0.0.1:${(other.address() as AddressInfo).port}/`, '/same'];
    answer = ({ url, headers }, response) =>
      url === '/from'
        ? response.writeHead(302, { location: targets.shift() ?? '' }).end()
        : response.end(`shown: ${headers.authorization}`);
    expect(await http('/from', { auth }).load()).toBe('shown: undefined');
    expect(await http('/from', { auth }).load()).toBe(`shown: ${basic('admin', 'p:ss')}`);
    await new Promise((settle) => other.close(settle));
  });

  it.each([
    [404, 'ArtifactNotFoundError'],
    [403, 'ArtifactAccessError'],
    [400, 'ArtifactAccessError'],
    [429, 'TransientError'],
    [500, 'TransientError'],
    [503, 'TransientError'],
  ])('takes status %i for %s', async (status, name) => {
    answer = (_seen, response) => response.writeHead(status).end('because');
    await expect(http('/a?token=hidden').load()).rejects.toMatchObject({ name });
    await expect(http('/a?token=hidden').load()).rejects.not.toThrow(/hidden/);
  });

  it('does not take half an answer for the whole', async () => {
    answer = (_seen, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('12345', () => response.destroy());
    };
    await expect(http('/half').load()).rejects.toMatchObject({ name: 'TransientError' });
  });

  it('says of a server that is away that it may come back', async () => {
    await expect(use({ http: { url: 'http://127.0.0.1:1/a' } }).load()).rejects.toMatchObject({ name: 'TransientError' });
  });

  it.each<[KubernetesObject, RegExp]>([
    [{ url: '' }, /http\.url is required/],
    [{ url: 'file:///etc/passwd' }, /not a URL of http or https/],
    [{ headers: [{ name: 'a b', value: 'c' }] }, /is not a name of a header/],
    [{ headers: [{ name: 'a', value: 'b\r\nc: d' }] }, /is not one line of text/],
    [{ auth: { clientCert: { clientCertSecret: { name: 'web', key: 'user' } } } }, /clientCertSecret and clientKeySecret/],
    [{ auth: { basicAuth: { usernameSecret: { name: 'web', key: 'none' } } } }, /secret "web" with key "none" does not exist/],
  ])('refuses %j by name', async (block, message) => {
    await expect(http('/a', block).load()).rejects.toThrow(message);
  });

  it('refuses what no URL can do', async () => {
    const { driver } = http('/a');
    const location = { http: { url: base } };
    await expect(driver.delete(location)).rejects.toThrow('there is no way to delete artifacts of the http driver');
    await expect(driver.head(location)).rejects.toThrow('there is no way to look at artifacts of the http driver');
    expect(await driver.isDirectory(location)).toBe(false);
  });

  it('finds what a repository of Artifactory lent an address to', async () => {
    await use({ artifactory: { repoURL: `${base}/generic/`, url: 'wf/pod name/a.tgz' } }).load();
    expect(seen[0]?.url).toBe('/generic/wf/pod%20name/a.tgz');
  });
});
