import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeArtifactDriver } from '#libs/testing';
import type { KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';

import { OssClient } from './oss-client.js';
import { ossPlace } from './oss-settings.js';
import { ossSignatureV4, UNSIGNED_PAYLOAD } from './oss-signature.js';

const KEYS: Record<string, string> = { id: 'the id', secret: 'the secret' };
const LENT = { accessKeyId: 'lent', accessKeySecret: 'lent secret', securityToken: 'a token' };
const escaped = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

interface Stored {
  body: Buffer;
  metadata: Record<string, string>;
}
interface Asked {
  method: string;
  key: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** A peer of our own that speaks as much of the service as the driver uses, and checks every signature (version 1) by itself. */
class OssPeer {
  readonly objects = new Map<string, Stored>();
  readonly uploads = new Map<string, { key: string; metadata: Record<string, string>; parts: Map<number, Buffer> }>();
  readonly secrets: Record<string, string> = { [KEYS['id']!]: KEYS['secret']!, [LENT.accessKeyId]: LENT.accessKeySecret };
  buckets = new Set(['box']);
  base = '';

  readonly server = createServer((request, response) => {
    void buffer(request).then(
      (body) => this.answer(request, response, body),
      () => undefined,
    );
  });

  private answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = '', headers } = request;
    if (request.url === '/sts') return this.lend(body, response);
    const url = new URL(request.url ?? '', this.base);
    const [, bucket = '', ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const key = rest.join('/');
    const query = Object.fromEntries(url.searchParams);
    if (headers.authorization !== this.expected({ method, bucket, key, query, headers }))
      return void response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
    if (!this.buckets.has(bucket)) {
      if (method !== 'PUT' || key !== '') return void response.writeHead(404).end('<Error><Code>NoSuchBucket</Code></Error>');
      this.buckets.add(bucket);
      return void response.end();
    }
    if (key === '') return void response.end('uploads' in query ? this.unfinished() : this.page(query));
    this.object({ method, key: `${bucket === 'box' ? '' : `${bucket}:`}${key}`, query, headers, body }, response);
  }

  private expected(asked: Omit<Asked, 'body'> & { bucket: string }): string {
    const { method, bucket, key, query, headers } = asked;
    const id = headers.authorization?.replace(/^OSS (.*):.*$/, '$1') ?? '';
    const own = Object.keys(headers)
      .filter((name) => name.startsWith('x-oss-'))
      .sort()
      .map((name) => `${name}:${String(headers[name])}\n`)
      .join('');
    const sub = ['bucketInfo', 'partNumber', 'uploadId', 'uploads'].filter((name) => name in query);
    const named = sub.map((name) => (query[name] === '' ? name : `${name}=${query[name]}`)).join('&');
    const signed =
      `${method}\n${String(headers['content-md5'] ?? '')}\n${headers['content-type'] ?? ''}\n${headers.date}\n` +
      `${own}/${bucket}/${key}${named === '' ? '' : `?${named}`}`;
    return `OSS ${id}:${createHmac('sha1', this.secrets[id] ?? '')
      .update(signed)
      .digest('base64')}`;
  }

  private object(asked: Asked, response: ServerResponse): void {
    const { method, key, query, headers, body } = asked;
    const upload = this.uploads.get(query['uploadId'] ?? '');
    if (query['uploadId'] !== undefined && upload === undefined) return void response.writeHead(404).end('NoSuchUpload');
    if (upload !== undefined) return this.part(asked, upload, response);
    const metadata = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-oss-meta-'))) as never;
    if (method === 'POST') {
      const id = `upload-${this.uploads.size}-${Math.random()}`;
      this.uploads.set(id, { key, metadata, parts: new Map() });
      return void response.end(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (method === 'PUT') return void (this.objects.set(key, { body, metadata }), response.end());
    if (method === 'DELETE') return void (this.objects.delete(key), response.writeHead(204).end());
    const found = this.objects.get(key);
    if (found === undefined) return void response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    response.writeHead(200, { 'content-length': found.body.length, ...found.metadata });
    response.end(method === 'HEAD' ? undefined : found.body);
  }

  private part(
    { method, key, query, headers, body }: Asked,
    upload: { metadata: Record<string, string>; parts: Map<number, Buffer> },
    response: ServerResponse,
  ): void {
    const id = query['uploadId'] ?? '';
    if (method === 'DELETE') return void (this.uploads.delete(id), response.writeHead(204).end());
    if (method === 'PUT') {
      const digest = createHash('md5').update(body);
      if (digest.copy().digest('base64') !== headers['content-md5']) return void response.writeHead(400).end();
      upload.parts.set(Number(query['partNumber']), body);
      return void response.setHeader('etag', `"${digest.digest('hex')}"`).end();
    }
    const numbers = Array.from(body.toString().matchAll(/<PartNumber>(\d+)/g), ([, number]) => Number(number));
    this.objects.set(key, { body: Buffer.concat(numbers.map((number) => upload.parts.get(number)!)), metadata: upload.metadata });
    this.uploads.delete(id);
    response.end();
  }

  private unfinished(): string {
    const uploads = [...this.uploads].map(
      ([id, { key }]) => `<Upload><Key>${escaped(key)}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    return `<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`;
  }

  /** Two objects a page, so that pages follow each other. */
  private page(query: Record<string, string>): string {
    const after = query['marker'] ?? '';
    const names = [...this.objects.keys()].filter((name) => name.startsWith(query['prefix'] ?? '') && name > after).sort();
    const shown = names.slice(0, 2);
    const contents = shown.map((name) => {
      const size = this.objects.get(name)?.body.length;
      return `<Contents><Key>${escaped(name)}</Key><Size>${size}</Size></Contents>`;
    });
    const next = names.length > 2 ? escaped(shown.at(-1) ?? '') : '';
    return `<ListBucketResult>${contents.join('')}<NextMarker>${next}</NextMarker></ListBucketResult>`;
  }

  private lend(body: Buffer, response: ServerResponse): void {
    const form = new URLSearchParams(body.toString());
    const isRight = form.get('OIDCToken') === 'who I am' && form.get('RoleArn') === 'acs:ram::1:role/r';
    const Credentials = {
      AccessKeyId: LENT.accessKeyId,
      AccessKeySecret: LENT.accessKeySecret,
      SecurityToken: LENT.securityToken,
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    };
    response.writeHead(isRight ? 200 : 403).end(JSON.stringify({ Credentials }));
  }

  async open(): Promise<this> {
    await new Promise<void>((settle) => this.server.listen(0, '127.0.0.1', settle));
    this.base = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((settle) => this.server.close(settle));
  }
}

const locationAt = (peer: OssPeer, key: string, more: KubernetesObject = {}) => ({
  oss: {
    endpoint: peer.base,
    bucket: 'box',
    key,
    accessKeySecret: { name: 'oss', key: 'id' },
    secretKeySecret: { name: 'oss', key: 'secret' },
    ...more,
  },
});
const clock = { nowMs: () => Date.now() };

describeArtifactDriver('oss', async () => {
  const peer = await new OssPeer().open();
  const drivers = createArtifactDrivers({ clock, readSecret: async ({ key }) => KEYS[key] });
  return {
    driver: drivers.driverFor(locationAt(peer, 'any'), { namespace: 'argo' }),
    locationOf: (key) => locationAt(peer, key),
    unfinishedUploads: async () => peer.uploads.size,
    close: () => peer.close(),
  };
});

describe('oss artifact driver', () => {
  let peer: OssPeer;
  let folder: string;
  beforeEach(async () => {
    peer = await new OssPeer().open();
    folder = await mkdtemp(path.join(tmpdir(), 'oss-'));
  });
  afterEach(async () => {
    await peer.close();
    await rm(folder, { recursive: true });
  });
  const use = (more: KubernetesObject, stores = {}) => {
    const drivers = createArtifactDrivers({ clock, stores, readSecret: async ({ key }) => KEYS[key] });
    const location = locationAt(peer, 'key', more);
    const driver = drivers.driverFor(location, { namespace: 'argo' });
    return {
      load: async () => text(await driver.load(location)),
      save: (body: string) => driver.save(location, Readable.from([Buffer.from(body)])),
    };
  };

  it('makes the bucket where it is asked to, and refuses a missing one otherwise', async () => {
    await expect(use({ bucket: 'other' }).save('x')).rejects.toMatchObject({ name: 'ArtifactAccessError' });
    await use({ bucket: 'other', createBucketIfNotPresent: true }).save('first');
    await use({ bucket: 'other', createBucketIfNotPresent: true }).save('second');
    expect(await use({ bucket: 'other' }).load()).toBe('second');
  });

  it('discards what killed saves of the same key left', async () => {
    for (const key of ['key', 'keys']) peer.uploads.set(`left of ${key}`, { key, metadata: {}, parts: new Map() });
    await use({}).save('x'.repeat(17 * 1024 ** 2));
    expect([...peer.uploads.keys()]).toEqual(['left of keys']);
  });

  it('uses keys lent to the role of this program where it is asked to', async () => {
    const file = path.join(folder, 'token');
    await writeFile(file, 'who I am\n');
    const stores = {
      alibabaCloudRoleArn: 'acs:ram::1:role/r',
      alibabaCloudOidcProviderArn: 'acs:ram::1:oidc-provider/p',
      alibabaCloudOidcTokenFile: file,
      alibabaCloudStsUrl: `${peer.base}/sts`,
    };
    await use({ useSDKCreds: true }, stores).save('by role');
    expect(await use({}).load()).toBe('by role');
    await expect(use({ useSDKCreds: true }).load()).rejects.toThrow(/useSDKCreds needs a role/);
  });

  it.each<[KubernetesObject, RegExp]>([
    [{ endpoint: '' }, /oss\.endpoint is required/],
    [{ endpoint: 'a b' }, /oss\.endpoint "a b" is no address/],
    [{ bucket: 'No_Bucket' }, /oss\.bucket is required/],
    [{ accessKeySecret: null }, /needs accessKeySecret and secretKeySecret/],
  ])('refuses %j by name', async (block, message) => {
    await expect(use(block).load()).rejects.toThrow(message);
  });

  it('refuses wrong keys for good', async () => {
    peer.secrets[KEYS['id']!] = 'another';
    await expect(use({}).load()).rejects.toMatchObject({ name: 'ArtifactAccessError' });
  });
});

describe('signatures of oss', () => {
  it('of version 4 are those of its published example', () => {
    const signature = ossSignatureV4(
      { accessKeyId: 'id', accessKeySecret: 'yourAccessKeySecret' },
      {
        method: 'PUT',
        bucket: 'examplebucket',
        key: 'exampleobject',
        query: {},
        region: 'cn-hangzhou',
        additional: ['content-length', 'content-disposition'],
        headers: {
          'content-disposition': 'attachment',
          'content-length': '3',
          'content-md5': 'ICy5YqxZB1uWSwcVLSNLcA==',
          'content-type': 'text/plain',
          'x-oss-content-sha256': UNSIGNED_PAYLOAD,
          'x-oss-date': '20250411T064124Z',
        },
      },
    );
    expect(signature).toBe(
      'OSS4-HMAC-SHA256 Credential=id/20250411/cn-hangzhou/oss/aliyun_v4_request,' +
        'AdditionalHeaders=content-disposition;content-length,' +
        'Signature=d3694c2dfc5371ee6acd35e88c4871ac95a7ba01d3a2f476768fe61218590097',
    );
  });

  it.each([
    ['oss-cn-hangzhou.aliyuncs.com', 'https://box.oss-cn-hangzhou.aliyuncs.com', 'cn-hangzhou'],
    ['http://oss-eu-central-1-internal.aliyuncs.com', 'http://box.oss-eu-central-1-internal.aliyuncs.com', 'eu-central-1'],
    ['http://10.0.0.1:9000', 'http://10.0.0.1:9000/box', undefined],
    ['https://files.example.com', 'https://box.files.example.com', undefined],
  ])('at %s are for %s, in the region %s', (endpoint, bucketUrl, region) => {
    const place = ossPlace({ oss: { endpoint, bucket: 'box', key: 'k' } });
    expect([place.bucketUrl, place.region]).toEqual([bucketUrl, region]);
    expect(new OssClient(place, LENT, clock).place).toBe(place);
  });
});
