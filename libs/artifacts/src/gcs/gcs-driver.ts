import type { Readable } from 'node:stream';

import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';
import { announcedBytes, done, exchange, type HttpRequest, successful, textOf } from '../http/exchange.js';
import { type Block, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';
import { partsOf } from '../parts.js';
import { wholeBody } from '../whole-body.js';

import { gcsToken } from './gcs-token.js';

const API_URL = 'https://storage.googleapis.com';
/** What the store answers to a part that is not the last. */
const GO_ON = 308;

/** What the driver needs besides Secrets. `apiUrl` is another address of the API (an emulator). */
export interface GcsOptions {
  clock: { nowMs(): number };
  apiUrl?: string;
}

interface Connection {
  bucket: string;
  key: string;
  headers: Record<string, string>;
}

interface StoredItem {
  name?: string;
  size?: string;
  metadata?: Record<string, string>;
}

/** Objects of Google Cloud Storage, through its JSON API (Argo v4.1 `artifacts/gcs`). A save is one resumable upload. */
export class GcsArtifactDriver implements ArtifactDriver {
  readonly kind = 'gcs';

  constructor(
    private readonly scope: SecretScope,
    private readonly options: GcsOptions,
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const { bucket, key, headers } = await this.connect(location);
    const url = `${this.objectUrl(bucket, key)}?alt=media`;
    const answer = await successful({ method: 'GET', url, headers }, key);
    return wholeBody(answer.body, announcedBytes(answer), key);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    try {
      options.signal?.throwIfAborted();
      const { bucket, key, headers } = await this.connect(location);
      const url = `${this.apiUrl}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?uploadType=resumable&name=${encodeURIComponent(key)}`;
      const start = await done({
        method: 'POST',
        url,
        headers: { ...headers, 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify({ metadata: options.metadata ?? {} })),
      });
      const session = start.headers.location;
      if (session === undefined) throw new TransientError('object store: the upload has no address');
      await this.upload(body, { session, headers, options });
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const { bucket, key, headers } = await this.connect(location, true);
    const prefix = key.replace(/\/$/, '');
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ prefix, ...(token === undefined ? {} : { pageToken: token }) });
      const url = `${this.apiUrl}/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`;
      const page = JSON.parse(await textOf(await successful({ method: 'GET', url, headers }, key))) as {
        items?: StoredItem[];
        nextPageToken?: string;
      };
      for (const { name = '', size = '0' } of page.items ?? []) {
        if (prefix === '' || name === key || name.startsWith(`${prefix}/`)) yield { key: name, sizeBytes: Number(size) };
      }
      token = page.nextPageToken;
    } while (token !== undefined);
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const { bucket, key, headers } = await this.connect(location);
    try {
      await done({ method: 'DELETE', url: this.objectUrl(bucket, key), headers }, key);
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const { bucket, key, headers } = await this.connect(location);
    try {
      const answer = await successful({ method: 'GET', url: this.objectUrl(bucket, key), headers }, key);
      const { size = '0', metadata = {} } = JSON.parse(await textOf(answer)) as StoredItem;
      return { sizeBytes: Number(size), metadata };
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    }
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const prefix = `${(textAt(location.gcs ?? {}, 'key') ?? '').replace(/\/$/, '')}/`;
    for await (const { key } of this.list(location)) if (key.startsWith(prefix)) return true;
    return false;
  }

  private get apiUrl(): string {
    return this.options.apiUrl ?? API_URL;
  }

  private objectUrl(bucket: string, key: string): string {
    return `${this.apiUrl}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(key)}`;
  }

  /** The object is there with the last part; an upload that failed is taken back, and would be forgotten after a week anyway. */
  private async upload(
    body: Readable,
    to: { session: string; headers: Record<string, string>; options: SaveOptions },
  ): Promise<void> {
    const { session, headers } = to;
    let sentBytes = 0;
    try {
      for await (const { bytes, isLast } of partsOf(body)) {
        to.options.signal?.throwIfAborted();
        const end = sentBytes + bytes.length;
        const range = `bytes ${bytes.length === 0 ? '*' : `${sentBytes}-${end - 1}`}/${isLast ? end : '*'}`;
        await this.sendPart(
          { method: 'PUT', url: session, headers: { ...headers, 'content-range': range }, body: bytes },
          isLast,
        );
        sentBytes = end;
      }
    } catch (error) {
      await exchange({ method: 'DELETE', url: session, headers }).then(
        (answer) => answer.body.resume(),
        () => undefined,
      );
      throw error;
    }
  }

  private async sendPart(request: HttpRequest, isLast: boolean): Promise<void> {
    if (isLast) {
      await done(request);
      return;
    }
    const answer = await exchange(request);
    answer.body.resume();
    if (answer.status !== GO_ON) throw new TransientError(`object store: a part was answered with status ${answer.status}`);
    const taken = Number(/-(\d+)$/.exec(answer.headers.range ?? '')?.[1] ?? -1) + 1;
    const expected = Number(/-(\d+)\//.exec(request.headers?.['content-range'] ?? '')?.[1] ?? -1) + 1;
    if (taken !== expected) throw new TransientError(`object store: ${taken} bytes were taken, not ${expected}`);
  }

  private async connect(location: ArtifactLocation, wholeStore = false): Promise<Connection> {
    const block: Block = location.gcs ?? {};
    const bucket = textAt(block, 'bucket');
    const key = textAt(block, 'key') ?? '';
    if (bucket === undefined) throw new ArtifactLocationError('gcs.bucket is required');
    if (key === '' && !wholeStore) throw new ArtifactLocationError('gcs.key is required');
    const keyFile = await secretAt(block['serviceAccountKeySecret'], 'gcs.serviceAccountKeySecret', this.scope);
    const token = await gcsToken(keyFile, this.options.clock.nowMs());
    return { bucket, key, headers: { authorization: `Bearer ${token}` } };
  }
}
