import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers, type ArtifactDrivers } from '../registry.js';

const CUSTOMER_KEY = Buffer.alloc(32, 200);
const LENT = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>LENTKEY</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>lent-session</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

/** The servers are peers of these tests' own, which show what the driver sends. */
describe('how the s3 driver shows who it is', () => {
  let requests: { method: string; headers: IncomingMessage['headers'] }[];
  let server: Server;
  let secrets: Record<string, Buffer>;
  let drivers: ArtifactDrivers;

  const answer: RequestListener = (request, response) => {
    requests.push({ method: request.method ?? '', headers: request.headers });
    request.resume().on('end', () => {
      if (request.method === 'POST') response.setHeader('content-type', 'text/xml').end(LENT);
      else response.setHeader('etag', '"x"').end(request.method === 'GET' ? 'hello' : '');
    });
  };
  const listen = async (made: Server): Promise<void> => {
    server = made;
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  };
  const use = (block: KubernetesObject) => {
    const location: ArtifactLocation = {
      s3: {
        endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        bucket: 'b',
        key: 'k',
        insecure: true,
        accessKeySecret: { name: 'c', key: 'access' },
        secretKeySecret: { name: 'c', key: 'secret' },
        ...block,
      },
    };
    const driver = drivers.driverFor(location, { namespace: 'argo' });
    return {
      load: async () => text(await driver.load(location)),
      head: async () => driver.head(location),
      save: async () => driver.save(location, Readable.from([Buffer.from('x')])),
    };
  };

  beforeEach(() => {
    requests = [];
    secrets = { access: Buffer.from('OWNKEY'), secret: Buffer.from('s'), customer: CUSTOMER_KEY, short: Buffer.from('short') };
    drivers = createArtifactDrivers({
      clock: { nowMs: () => Date.now() },
      readSecret: async ({ key, encoding = 'utf8' }) => secrets[key]?.toString(encoding),
      s3: { maxAttempts: 1 },
    });
  });
  afterEach(async () => {
    drivers.close();
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  it('asks for keys of a role with its own, once, and uses them', async () => {
    await listen(createPlainServer(answer));
    const { load } = use({ roleARN: 'arn:aws:iam::1:role/x' });
    expect(await load()).toBe('hello');
    expect(await load()).toBe('hello');
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    expect(requests[0]?.headers.authorization).toContain('Credential=OWNKEY/');
    expect(requests[1]?.headers).toMatchObject({ 'x-amz-security-token': 'lent-session' });
    expect(requests[1]?.headers.authorization).toContain('Credential=LENTKEY/');
  });

  it('sends the key of the customer when it saves, loads and looks', async () => {
    await listen(createPlainServer(answer));
    const { save, load, head } = use({ encryptionOptions: { serverSideCustomerKeySecret: { name: 'c', key: 'customer' } } });
    await save();
    await load();
    await head();
    expect(requests.map(({ method }) => method)).toEqual(['PUT', 'GET', 'HEAD']);
    for (const { headers } of requests) {
      expect(headers).toMatchObject({
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': CUSTOMER_KEY.toString('base64'),
        'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(CUSTOMER_KEY).digest('base64'),
      });
    }
  });

  it.each<[KubernetesObject, RegExp]>([
    [{ serverSideCustomerKeySecret: { name: 'c', key: 'short' } }, /the key has 5 bytes, not 32/],
    [{ kmsKeyId: 'k', serverSideCustomerKeySecret: { name: 'c', key: 'customer' } }, /exclude each other/],
  ])('refuses the encryption %j', async (encryptionOptions, message) => {
    await listen(createPlainServer(answer));
    await expect(use({ encryptionOptions }).save()).rejects.toThrow(message);
  });

  it('trusts a server whose authority the artifact names, and no other', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'argosy-tls-'));
    const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert, ...subject];
    execFileSync('openssl', made, { stdio: 'ignore' });
    secrets['ca'] = await readFile(cert);
    await listen(createSecureServer({ key: await readFile(key), cert: await readFile(cert) }, answer));
    await rm(folder, { recursive: true });
    expect(await use({ insecure: false, caSecret: { name: 'c', key: 'ca' } }).load()).toBe('hello');
    await expect(use({ insecure: false }).load()).rejects.toThrow(/self-signed|certificate/);
  });
});
