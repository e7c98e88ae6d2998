import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hasS3Server, missingPart, startS3, type TestS3 } from '#libs/testing';
import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import type { ArtifactDriver, PresignedRequest } from '../contract.js';
import { createArtifactDrivers, type ArtifactDrivers } from '../registry.js';

const MINUTE_MS = 60_000;

if (!hasS3Server()) it.skip(missingPart('versitygw'), () => undefined);
else
  describe('requests on S3 that are lent to somebody without credentials', () => {
    let server: TestS3;
    let drivers: ArtifactDrivers;
    let driver: Required<Pick<ArtifactDriver, 'deleteMany' | 'partUploads' | 'presign'>> & ArtifactDriver;
    beforeAll(async () => {
      server = (await startS3())!;
      const values = { a: server.accessKey, s: server.secretKey, c: Buffer.alloc(32).toString('base64') };
      drivers = createArtifactDrivers({
        clock: { nowMs: () => Date.now() },
        readSecret: async ({ key }) => values[key as keyof typeof values],
      });
      driver = drivers.driverFor(at('x'), { namespace: 'argo' }) as typeof driver;
    });
    afterAll(async () => {
      drivers.close();
      await server.stop();
    });

    const at = (key: string, more: KubernetesObject = {}): ArtifactLocation => ({
      s3: {
        ...{ endpoint: server.endpoint, bucket: server.bucket, insecure: true, key },
        ...{ accessKeySecret: { name: 'n', key: 'a' }, secretKeySecret: { name: 'n', key: 's' } },
        ...more,
      },
    });
    const life = (expiresInMs = MINUTE_MS, nowMs = Date.now()) => ({ nowMs, expiresInMs });
    const send = async (request: PresignedRequest | undefined, body?: Buffer): Promise<Response> => {
      if (request === undefined) throw new Error('not lent');
      return fetch(request.url, {
        method: request.method,
        headers: request.headers,
        ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      });
    };
    const metadata = { 'workflow-uid': 'u', 'node-id': 'n' };
    const put = (key: string, sizeBytes: number) =>
      driver.presign(at(key), { operation: 'save', sizeBytes, metadata, ...life() });

    it.each(['plain', 'fo lder/ü +&=?#%', "quote'(1)!*~"])('save and load the key %s with its metadata', async (key) => {
      const body = Buffer.from(key);
      expect((await send(await put(key, body.length), body)).status).toBe(200);
      expect(await driver.head(at(key))).toEqual({ sizeBytes: body.length, metadata });
      const answer = await send(await driver.presign(at(key), { operation: 'load', ...life() }));
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(body);
    });

    it('open nothing but what they were made for, and end', async () => {
      const request = (await put('own/key', 1))!;
      const other = { ...request, url: request.url.replace('own/key', 'other/key') };
      expect((await send(other, Buffer.from('x'))).status).toBe(403);
      expect((await send({ ...request, method: 'GET' })).status).toBe(403);
      const unmarked = { ...request, headers: { ...request.headers, 'x-amz-meta-workflow-uid': 'somebody-else' } };
      expect((await send(unmarked, Buffer.from('x'))).status).toBe(403);
      const stale = await driver.presign(at('own/key'), { operation: 'load', ...life(1000, Date.now() - 10_000) });
      expect((await send(stale)).status).toBe(403);
    });

    it('are not made where a key of the customer or an own authority would have to be lent too', async () => {
      const order = { operation: 'load', ...life() } as const;
      const secret = { name: 'n', key: 'c' };
      for (const more of [{ caSecret: secret }, { encryptionOptions: { serverSideCustomerKeySecret: secret } }]) {
        expect(await driver.presign(at('k', more), order)).toBeUndefined();
        expect(await driver.partUploads.begin(at('k', more), { metadata })).toBeUndefined();
      }
      expect(await driver.presign(at('a/../b'), order)).toBeUndefined();
    });

    it('carry an object in parts, which appears when it is whole', async () => {
      const { uploadId, partBytes } = (await driver.partUploads.begin(at('big'), { metadata }))!;
      const bodies = [Buffer.alloc(partBytes, 1), Buffer.from('tail')];
      const lent = await driver.partUploads.presignParts(at('big'), { uploadId, first: 1, count: 2, ...life() });
      const parts = [];
      for (const part of lent) {
        const answer = await send(part, bodies[part.number - 1]);
        parts.push({ number: part.number, etag: answer.headers.get('etag') ?? '' });
      }
      expect(await driver.head(at('big'))).toBeUndefined();
      await driver.partUploads.complete(at('big'), { uploadId, parts });
      expect(await driver.head(at('big'))).toEqual({ sizeBytes: partBytes + 4, metadata });
      expect((await buffer(await driver.load(at('big')))).subarray(-5)).toEqual(Buffer.from('\u0001tail'));

      const begun = (await driver.partUploads.begin(at('left'), { metadata }))!;
      await driver.partUploads.abort(at('left'), begun);
      await expect(driver.partUploads.complete(at('left'), { ...begun, parts: [{ number: 1, etag: 'x' }] })).rejects.toThrow();
    });

    it('delete many keys in one request, those that do not exist among them', async () => {
      for (const key of ['many/1', 'many/2', 'many/3']) await driver.save(at(key), Readable.from([Buffer.from(key)]));
      expect(await driver.deleteMany([at('many/1'), at('many/none'), at('many/2')])).toEqual(new Map());
      const left = [];
      for await (const { key } of driver.list(at('many'))) left.push(key);
      expect(left).toEqual(['many/3']);
    });
  });
