import type { Readable } from 'node:stream';

import type { ArtifactDriverKind, ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { announcedBytes, done, successful } from '../http/exchange.js';
import { keyOf } from '../location.js';
import { PartBuffers } from '../part-buffers.js';
import { partSizes } from '../parts.js';
import { wholeBody } from '../whole-body.js';

import type { BrokerClient, LentRequest } from './broker-client.js';
import { unpackFolder } from './folder-archive.js';
import { storedObjects } from './listed-objects.js';
import { PARTS_IN_MEMORY, PartSender } from './part-sender.js';
import { bodyBySize } from './small-body.js';

/** What is larger is sent in parts. */
const DEFAULT_PART_BYTES = 16 * 1024 ** 2;

type Upload = LentRequest | { uploadId: string; partBytes: number };

/**
 * Objects of a store whose credentials only the broker has. Bytes go straight to the store where it can lend requests, else through the broker.
 * What is larger than one part is sent in parts; a save that fails leaves neither an object nor parts.
 */
export class BrokeredDriver implements ArtifactDriver {
  constructor(
    readonly kind: ArtifactDriverKind,
    protected readonly client: BrokerClient,
    private readonly partBytes = DEFAULT_PART_BYTES,
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const key = keyOf(location) ?? '';
    const request = this.client.addressed(await this.client.ask<LentRequest>('/load', location));
    const answer = await successful({ method: 'GET', ...request }, key);
    return wholeBody(answer.body, announcedBytes(answer), key);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    const { signal } = options;
    const abort = (): unknown => body.destroy(new Error('the save was aborted'));
    signal?.throwIfAborted();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const read = await bodyBySize(body, this.partBytes);
      if ('whole' in read) await this.saveWhole(location, read.whole, options);
      else await this.saveStream(location, read.stream, options);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const answer = await this.client.open('/list', location);
    yield* storedObjects(answer.body);
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    type Found = { object: { sizeBytes: number; metadata: Record<string, string> } | null };
    return (await this.client.ask<Found>('/head', location)).object ?? undefined;
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    return (await this.client.ask<{ isDirectory: boolean }>('/is-directory', location)).isDirectory;
  }

  async delete(location: ArtifactLocation): Promise<void> {
    await this.client.ask('/delete', location);
  }

  private async saveWhole(location: ArtifactLocation, bytes: Buffer, { metadata = {}, signal }: SaveOptions): Promise<void> {
    const lent = await this.client.ask<LentRequest>('/save', location, { sizeBytes: bytes.length, metadata });
    await done({ method: 'PUT', ...this.client.addressed(lent), body: bytes, ...(signal ? { signal } : {}) }, keyOf(location));
  }

  private async saveStream(
    location: ArtifactLocation,
    body: Readable,
    { signal, sizeBytes, metadata = {} }: SaveOptions,
  ): Promise<void> {
    const order = { ...(sizeBytes === undefined ? {} : { sizeBytes }), partBytes: this.partBytes, metadata };
    const upload = await this.client.ask<Upload>('/uploads', location, order);
    if (!('uploadId' in upload)) {
      await done({ method: 'PUT', ...this.client.addressed(upload), body, ...(signal ? { signal } : {}) }, keyOf(location));
      return;
    }
    const { uploadId, partBytes } = upload;
    const sender = new PartSender(this.client, { location, uploadId, signal });
    try {
      const buffers = new PartBuffers(partSizes(partBytes, sizeBytes), PARTS_IN_MEMORY);
      for await (const part of buffers.partsOf(body)) await sender.send(part);
      await this.client.ask('/uploads/complete', location, { uploadId, parts: await sender.finish() });
    } catch (error) {
      await sender.settled();
      await this.client.ask('/uploads/abort', location, { uploadId }).catch(() => undefined);
      throw error;
    }
  }
}

/** A store whose artifacts are folders (git): the broker fetches them and sends an archive. */
export class BrokeredFolderDriver extends BrokeredDriver {
  async loadFolder(location: ArtifactLocation, folder: string): Promise<void> {
    const answer = await this.client.open('/folder', location);
    await unpackFolder(wholeBody(answer.body, announcedBytes(answer), this.kind), folder);
  }
}
