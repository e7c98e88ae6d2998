import type { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';
import { announcedBytes, textOf } from '../http/exchange.js';
import type { SecretScope } from '../secrets/secret-fields.js';
import { wholeBody } from '../whole-body.js';
import { xmlElements, xmlText } from '../xml-fields.js';

import { OssClient } from './oss-client.js';
import { ossKeys, ossPlace } from './oss-settings.js';
import type { OssKeys } from './oss-signature.js';
import { ossMetadata, uploadToOss } from './oss-upload.js';

/** What the driver needs besides Secrets: the time, and the machine's own keys for `useSDKCreds`. */
export interface OssOptions {
  clock: { nowMs(): number };
  lentKeys: () => Promise<OssKeys>;
}

/** Objects of Alibaba Cloud's OSS (Argo v4.1 `artifacts/oss`), by its REST API over the own HTTP client. */
export class OssArtifactDriver implements ArtifactDriver {
  readonly kind = 'oss';

  constructor(
    private readonly scope: SecretScope,
    private readonly options: OssOptions,
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const client = await this.connect(location);
    const answer = await client.send({ method: 'GET' });
    return wholeBody(answer.body, announcedBytes(answer), client.place.key);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    try {
      options.signal?.throwIfAborted();
      const client = await this.connect(location);
      if (location.oss?.['createBucketIfNotPresent'] === true) await ensureBucket(client);
      await uploadToOss(client, body, options);
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const client = await this.connect(location, true);
    const { key } = client.place;
    const prefix = key.replace(/\/$/, '');
    let marker: string | undefined;
    do {
      const query = { ...(prefix === '' ? {} : { prefix }), 'max-keys': '1000', ...(marker === undefined ? {} : { marker }) };
      const page = await textOf(await client.send({ method: 'GET', about: 'bucket', query }));
      for (const object of xmlElements(page, 'Contents')) {
        const name = xmlText(object, 'Key') ?? '';
        if (prefix === '' || name === key || name.startsWith(`${prefix}/`))
          yield { key: name, sizeBytes: Number(xmlText(object, 'Size') ?? 0) };
      }
      marker = xmlText(page, 'NextMarker');
    } while (marker !== undefined);
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const client = await this.connect(location);
    try {
      await client.done({ method: 'DELETE' });
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const client = await this.connect(location);
    try {
      const { headers } = await client.done({ method: 'HEAD' });
      return { sizeBytes: Number(headers['content-length'] ?? 0), metadata: ossMetadata(headers) };
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    }
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const prefix = `${ossPlace(location, true).key.replace(/\/$/, '')}/`;
    for await (const { key } of this.list(location)) if (key.startsWith(prefix)) return true;
    return false;
  }

  private async connect(location: ArtifactLocation, wholeStore = false): Promise<OssClient> {
    const place = ossPlace(location, wholeStore);
    return new OssClient(place, await ossKeys(location, this.scope, this.options.lentKeys), this.options.clock);
  }
}

async function ensureBucket(client: OssClient): Promise<void> {
  try {
    await client.done({ method: 'GET', about: 'bucket', query: { bucketInfo: '' } });
  } catch (error) {
    if (!(error instanceof ArtifactAccessError) || !error.message.includes('NoSuchBucket')) throw error;
    await client.done({ method: 'PUT', about: 'bucket' });
  }
}
