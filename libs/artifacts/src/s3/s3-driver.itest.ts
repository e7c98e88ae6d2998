import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { describeArtifactDriver, missingPart, spawnTypeScript, startS3, type TestS3 } from '#libs/testing';
import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers, type ArtifactDrivers } from '../registry.js';

const ENDLESS_SAVE = fileURLToPath(new URL('../../../testing/src/children/endless-s3-save.ts', import.meta.url));

const probe = await startS3();
await probe?.stop();

const secrets = (server: TestS3): ArtifactDrivers =>
  createArtifactDrivers({
    clock: { nowMs: () => Date.now() },
    readSecret: async ({ namespace, name, key }) => {
      if (namespace !== 'argo' || name !== 'creds') return undefined;
      return ({ accesskey: server.accessKey, secretkey: server.secretKey, wrong: 'wrong' } as Record<string, string>)[key];
    },
  });

const locationIn = (server: TestS3, more: KubernetesObject = {}): ArtifactLocation => ({
  s3: {
    endpoint: server.endpoint,
    bucket: server.bucket,
    insecure: true,
    accessKeySecret: { name: 'creds', key: 'accesskey' },
    secretKeySecret: { name: 'creds', key: 'secretkey' },
    ...more,
  },
});

if (probe === undefined) {
  it.skip(missingPart('versitygw'), () => undefined);
} else {
  describeArtifactDriver('s3', async () => {
    const server = (await startS3())!;
    const drivers = secrets(server);
    const client = new S3Client({
      endpoint: `http://${server.endpoint}`,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    });
    return {
      driver: drivers.driverFor(locationIn(server), { namespace: 'argo' }),
      locationOf: (key) => locationIn(server, { key }),
      unfinishedUploads: async () =>
        (await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }))).Uploads?.length ?? 0,
      close: async () => {
        client.destroy();
        drivers.close();
        await server.stop();
      },
    };
  });

  describe('s3 artifact driver, as a client of a server', () => {
    let server: TestS3;
    let drivers: ArtifactDrivers;
    const use = (
      more: KubernetesObject,
      namespace = 'argo',
    ): { load(): Promise<Readable>; save(text: string): Promise<void> } => {
      const location = locationIn(server, { key: 'some/key', ...more });
      const driver = drivers.driverFor(location, { namespace });
      return { load: () => driver.load(location), save: (text) => driver.save(location, Readable.from([Buffer.from(text)])) };
    };
    beforeAll(async () => {
      server = (await startS3())!;
      drivers = secrets(server);
    });
    afterAll(async () => {
      drivers.close();
      await server.stop();
    });

    it('makes the bucket where it is asked to, and refuses a missing one otherwise', async () => {
      await expect(use({ bucket: 'not-there' }).save('x')).rejects.toMatchObject({ name: 'ArtifactAccessError' });
      await use({ bucket: 'made-here', createBucketIfNotPresent: {} }).save('first');
      await use({ bucket: 'made-here', createBucketIfNotPresent: {} }).save('second');
      expect((await buffer(await use({ bucket: 'made-here' }).load())).toString()).toBe('second');
    });

    it('refuses wrong credentials for good, and names a Secret that is missing', async () => {
      await expect(use({ secretKeySecret: { name: 'creds', key: 'wrong' } }).load()).rejects.toMatchObject({
        name: 'ArtifactAccessError',
      });
      await expect(use({ secretKeySecret: { name: 'creds', key: 'absent' } }).load()).rejects.toThrow(
        's3.secretKeySecret: secret "creds" with key "absent" does not exist in namespace "argo"',
      );
      await expect(use({}, 'other').load()).rejects.toThrow(/does not exist in namespace "other"/);
    });

    it.each<[KubernetesObject, RegExp]>([
      [{ addressingStyle: 'upside-down' }, /addressingStyle "upside-down"/],
      [{ bucket: '' }, /s3\.bucket is required/],
      [{ accessKeySecret: { name: 'creds' } }, /s3\.accessKeySecret needs name and key/],
    ])('refuses %j by name', async (block, message) => {
      await expect(use(block).load()).rejects.toThrow(message);
    });

    it('leaves nothing of a save that was killed, once the next save of its key is there', async () => {
      const client = new S3Client({
        endpoint: `http://${server.endpoint}`,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
      });
      const unfinished = async (): Promise<(string | undefined)[]> => {
        const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
        return uploads.map(({ Key }) => Key);
      };
      const location = locationIn(server, { key: 'killed/art' });
      const driver = drivers.driverFor(location, { namespace: 'argo' });
      for (const key of ['killed/art', 'killed/artful']) {
        const child = spawnTypeScript(ENDLESS_SAVE, { args: [server.endpoint, server.bucket, key] });
        await once(child.stdout!, 'data');
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      expect((await unfinished()).sort()).toEqual(['killed/art', 'killed/artful']);
      expect(await driver.head(location)).toBeUndefined();
      await driver.save(location, Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(1024 ** 2))));
      expect((await driver.head(location))?.sizeBytes).toBe(20 * 1024 ** 2);
      expect(await unfinished()).toEqual(['killed/artful']);
      client.destroy();
    });

    it('lists the whole bucket where the key is empty', async () => {
      const bucket = 'whole-bucket';
      for (const key of ['one', 'two/three']) await use({ bucket, key, createBucketIfNotPresent: {} }).save('x');
      const location = locationIn(server, { bucket, key: '' });
      const listed: string[] = [];
      for await (const object of drivers.driverFor(location, { namespace: 'argo' }).list(location)) listed.push(object.key);
      expect(listed.sort()).toEqual(['one', 'two/three']);
    });

    it('lists more objects than fit one page', async () => {
      const location = locationIn(server, { key: 'pages' });
      const driver = drivers.driverFor(location, { namespace: 'argo' });
      const keys = Array.from({ length: 1010 }, (_unused, index) => `pages/${String(index).padStart(4, '0')}`);
      const saveOne = (key: string): Promise<void> => driver.save(locationIn(server, { key }), Readable.from([Buffer.from('x')]));
      for (let start = 0; start < keys.length; start += 20) await Promise.all(keys.slice(start, start + 20).map(saveOne));
      const listed: string[] = [];
      for await (const object of driver.list(location)) listed.push(object.key);
      expect(listed.sort()).toEqual(keys);
    });
  });
}
