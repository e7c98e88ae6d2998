import dns from 'node:dns';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import { type ArtifactDrivers, createArtifactDrivers } from '../registry.js';

const MIB = 1024 ** 2;
const STARTED = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>';
const COMPLETED = '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What of an `s3` block reaches the store. The server is a peer of these tests' own that takes everything. */
describe('the options of the s3 driver', () => {
  let seen: Seen[];
  let server: Server;
  let drivers: ArtifactDrivers;
  let bucketIsThere: boolean;
  const port = (): number => (server.address() as AddressInfo).port;
  const secret = (key: string): KubernetesObject => ({ name: 'c', key });

  beforeEach(async () => {
    seen = [];
    bucketIsThere = true;
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers } = request;
        seen.push({ method, url, headers, body });
        response.setHeader('etag', '"x"');
        if (method === 'HEAD' && !bucketIsThere) return response.writeHead(404).end();
        if (method === 'POST') return response.end(url.includes('uploads') ? STARTED : COMPLETED);
        return response.end(method === 'GET' ? '<ListMultipartUploadsResult/>' : '');
      });
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    drivers = createArtifactDrivers({
      clock: { nowMs: () => Date.now() },
      readSecret: async ({ key }) => key,
      s3: { maxAttempts: 1 },
    });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    drivers.close();
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
  });

  const save = async (block: KubernetesObject, sizeMib = 0): Promise<Seen> => {
    const location: ArtifactLocation = {
      s3: {
        ...{ endpoint: `127.0.0.1:${port()}`, bucket: 'bucket', key: 'k', insecure: true },
        ...{ accessKeySecret: secret('access'), secretKeySecret: secret('secret') },
        ...block,
      },
    };
    const body = sizeMib === 0 ? [Buffer.from('x')] : Array.from({ length: sizeMib }, () => Buffer.alloc(MIB));
    await drivers.driverFor(location, { namespace: 'argo' }).save(location, Readable.from(body));
    return seen.find(({ method }) => method === 'PUT' || method === 'POST') as Seen;
  };

  it.each<[string, KubernetesObject, Record<string, string | undefined>]>([
    ['none', {}, { 'x-amz-server-side-encryption': undefined }],
    ['one that is not switched on', { kmsKeyId: 'key-1' }, { 'x-amz-server-side-encryption': undefined }],
    ['keys of S3', { enableEncryption: true }, { 'x-amz-server-side-encryption': 'AES256' }],
    [
      'a key of the KMS with its context',
      { enableEncryption: true, kmsKeyId: 'key-1', kmsEncryptionContext: '{"team":"red"}' },
      {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
        'x-amz-server-side-encryption-context': Buffer.from('{"team":"red"}').toString('base64'),
      },
    ],
  ])('ask for encryption by %s, in one request and in parts', async (_by, encryptionOptions, headers) => {
    for (const sizeMib of [0, 9]) {
      seen = [];
      const { method, headers: sent } = await save({ encryptionOptions }, sizeMib);
      expect([method, sent]).toMatchObject([sizeMib === 0 ? 'PUT' : 'POST', {}]);
      for (const [name, value] of Object.entries(headers)) expect([name, sent[name]]).toEqual([name, value]);
    }
  });

  it('sign with the keys of the Secrets, the token that belongs to them, and the region', async () => {
    const { headers } = await save({ sessionTokenSecret: secret('of-session'), region: 'eu-central-1' });
    expect(headers['x-amz-security-token']).toBe('of-session');
    expect(headers.authorization).toMatch(/Credential=access\/\d{8}\/eu-central-1\/s3\//);
    seen = [];
    const plain = (await save({})).headers;
    expect(plain['x-amz-security-token']).toBeUndefined();
    expect(plain.authorization).toMatch(/Credential=access\/\d{8}\/us-east-1\/s3\//);
  });

  it('sign with what the surroundings of the program have, where the SDK is to find it', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'FROMAROUND');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'around');
    vi.stubEnv('AWS_SESSION_TOKEN', 'of-around');
    const { headers } = await save({ accessKeySecret: null, secretKeySecret: null, useSDKCreds: true });
    expect(headers.authorization).toContain('Credential=FROMAROUND/');
    expect(headers['x-amz-security-token']).toBe('of-around');
  });

  it.each([
    [undefined, 'store.test', '/bucket/k'],
    ['auto-detect', 'store.test', '/bucket/k'],
    ['path', 'store.test', '/bucket/k'],
    ['virtual-hosted', 'bucket.store.test', '/k'],
  ])('address the bucket as %s', async (addressingStyle, host, path) => {
    const asked: string[] = [];
    vi.spyOn(dns, 'lookup').mockImplementation(((
      name: string,
      options: { all?: boolean },
      done: (...found: unknown[]) => void,
    ) => {
      asked.push(name);
      if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
      else done(null, '127.0.0.1', 4);
    }) as never);
    const { headers, url } = await save({ endpoint: `store.test:${port()}`, ...(addressingStyle && { addressingStyle }) });
    expect([asked[0], headers.host, url.split('?')[0]]).toEqual([host, `${host}:${port()}`, path]);
  });

  it('make a bucket that is missing, in its region, and with locks of objects where that is asked for', async () => {
    bucketIsThere = false;
    const locked = await save({ region: 'eu-central-1', createBucketIfNotPresent: { objectLocking: true } });
    expect(locked.url.split('?')[0]).toBe('/bucket/');
    expect(locked.headers['x-amz-bucket-object-lock-enabled']).toBe('true');
    expect(locked.body).toContain('<LocationConstraint>eu-central-1</LocationConstraint>');
    seen = [];
    const plain = await save({ createBucketIfNotPresent: {} });
    expect(plain.headers['x-amz-bucket-object-lock-enabled']).toBeUndefined();
    expect(plain.body).toBe('');
    bucketIsThere = true;
    seen = [];
    await save({ createBucketIfNotPresent: {} });
    expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'PUT']);
  });
});
