import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';
import { type Block, textAt } from '../secrets/secret-fields.js';

import type { PluginClient } from './plugin-client.js';
import type { PluginArtifactMessage } from './plugin-service.js';

/** The connection to a plugin, and the folder of its socket, which both sides see under the same path. */
export interface PluginConnection {
  client: PluginClient;
  folder: string;
}

interface Connection extends PluginConnection {
  message: PluginArtifactMessage;
  key: string;
}

/**
 * Objects behind a plugin for artifacts (Argo v4.1 `artifacts/plugin`): a program that serves gRPC at a socket. A plugin saves files,
 * no streams, so a save is spooled beside its socket first. It keeps no metadata, tells no sizes, and whether a save that
 * broke off leaves something is its own affair.
 */
export class PluginArtifactDriver implements ArtifactDriver {
  readonly kind = 'plugin';
  readonly keepsMetadata = false;

  constructor(private readonly open: (name: string) => Promise<PluginConnection>) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const { client, message, key } = await this.connect(location);
    const chunks = client.read(message, key);
    try {
      const first = await chunks.next();
      return Readable.from(startingWith(first, chunks), { objectMode: false });
    } catch (error) {
      if (!(error instanceof ArtifactAccessError) || (await this.exists(location))) throw error;
      throw new ArtifactNotFoundError(key, { cause: error });
    }
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    const { signal } = options;
    try {
      signal?.throwIfAborted();
      const { client, message, key, folder } = await this.connect(location);
      const spool = path.join(folder, `upload-${randomUUID()}`);
      try {
        await pipeline(body, createWriteStream(spool, { flags: 'wx', mode: 0o644 }), signal === undefined ? {} : { signal });
        await client.call('Save', { path: spool, outputArtifact: message }, key);
      } finally {
        await rm(spool, { force: true });
      }
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const { client, message, key } = await this.connect(location, true);
    const { objects } = await client.call<{ objects: string[]; error: string }>('ListObjects', { artifact: message }, key);
    for (const object of objects) yield { key: object, sizeBytes: 0 };
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const { client, message, key } = await this.connect(location);
    try {
      await client.call('Delete', { artifact: message }, key);
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return;
      if (!(error instanceof ArtifactAccessError) || (await this.exists(location))) throw error;
    }
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    return (await this.exists(location)) ? { sizeBytes: 0, metadata: {} } : undefined;
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const { client, message, key } = await this.connect(location);
    try {
      return (await client.call<{ isDirectory: boolean; error: string }>('IsDirectory', { artifact: message }, key)).isDirectory;
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return false;
      throw error;
    }
  }

  private async exists(location: ArtifactLocation): Promise<boolean> {
    const wanted = textAt(location.plugin ?? {}, 'key');
    try {
      for await (const { key } of this.list(location)) if (key === wanted) return true;
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
    return false;
  }

  private async connect(location: ArtifactLocation, wholeStore = false): Promise<Connection> {
    const block: Block = location.plugin ?? {};
    const name = textAt(block, 'name');
    const key = textAt(block, 'key') ?? '';
    if (name === undefined || !/^[-a-z0-9]+$/.test(name)) throw new ArtifactLocationError('plugin.name is required, as a label');
    if (key === '' && !wholeStore) throw new ArtifactLocationError('plugin.key is required');
    const limit = block['connectionTimeoutSeconds'];
    const connectionTimeoutSeconds = typeof limit === 'number' && limit > 0 ? limit : 0;
    const { client, folder } = await this.open(name);
    await client.connect(connectionTimeoutSeconds === 0 ? undefined : connectionTimeoutSeconds * 1000);
    const plugin = { name, configuration: textAt(block, 'configuration') ?? '', connectionTimeoutSeconds, key };
    return { client, folder, key, message: { name: path.posix.basename(key), plugin } };
  }
}

async function* startingWith(first: IteratorResult<Buffer>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (first.done !== true) yield first.value;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
