import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';

import { type ArtifactLocation, TransientError } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';
import { announcedBytes, type HttpAnswer, type HttpRequest, successful, textOf } from '../http/exchange.js';
import { partsOf } from '../parts.js';
import { type Block, isSet, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';
import { wholeBody } from '../whole-body.js';
import { xmlElements, xmlText } from '../xml-fields.js';

import { type AzureAccount, sharedKeyAuthorization } from './shared-key.js';

const API_VERSION = '2021-08-06';
const METADATA_PREFIX = 'x-ms-meta-';

/** What the driver needs besides Secrets: the time, and a token of the machine's own identity for `useSDKCreds`. */
export interface AzureOptions {
  clock: { nowMs(): number };
  lentToken: () => Promise<string>;
}

/** Who signs: the account's key, or an identity with its token. */
type Signer = { account: AzureAccount } | { token: string };

interface Connection {
  signer: Signer;
  /** Address of the container, without a slash at its end. */
  containerUrl: string;
  key: string;
}

/**
 * Blobs of Azure (Argo v4.1 `artifacts/azure`), signed with the account's key, or shown a token of the machine's own identity. A save is a list of blocks, which becomes the blob
 * when it is committed; blocks without a list are invisible and dropped by the store after a week. Names of metadata may not
 * hold dashes there, so they are stored with underscores.
 */
export class AzureArtifactDriver implements ArtifactDriver {
  readonly kind = 'azure';

  constructor(
    private readonly scope: SecretScope,
    private readonly options: AzureOptions,
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const at = await this.connect(location);
    const answer = await this.send(at, { method: 'GET', url: blobUrl(at) });
    return wholeBody(answer.body, announcedBytes(answer), at.key);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    try {
      options.signal?.throwIfAborted();
      const at = await this.connect(location);
      const headers = metadataHeaders(options.metadata ?? {});
      const upload = randomUUID();
      const blocks: string[] = [];
      for await (const { bytes, isLast } of partsOf(body)) {
        options.signal?.throwIfAborted();
        if (isLast && blocks.length === 0) return await this.putWhole(at, bytes, headers);
        const id = Buffer.from(`${upload}-${String(blocks.length).padStart(6, '0')}`).toString('base64');
        await this.finish(at, { method: 'PUT', url: `${blobUrl(at)}?comp=block&blockid=${encodeURIComponent(id)}`, body: bytes });
        blocks.push(id);
      }
      options.signal?.throwIfAborted();
      await this.commit(at, blocks, headers);
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const at = await this.connect(location, true);
    const prefix = at.key.replace(/\/$/, '');
    let marker: string | undefined;
    do {
      const query = new URLSearchParams({
        restype: 'container',
        comp: 'list',
        prefix,
        ...(marker === undefined ? {} : { marker }),
      });
      const page = await textOf(await this.send(at, { method: 'GET', url: `${at.containerUrl}?${query.toString()}` }));
      for (const blob of xmlElements(page, 'Blob')) {
        const key = xmlText(blob, 'Name') ?? '';
        if (prefix === '' || key === at.key || key.startsWith(`${prefix}/`))
          yield { key, sizeBytes: Number(xmlText(blob, 'Content-Length') ?? 0) };
      }
      marker = xmlText(page, 'NextMarker');
    } while (marker !== undefined);
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const at = await this.connect(location);
    try {
      await this.finish(at, { method: 'DELETE', url: blobUrl(at) });
    } catch (error) {
      if (!(error instanceof ArtifactNotFoundError)) throw error;
    }
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const at = await this.connect(location);
    try {
      const { headers } = await this.finish(at, { method: 'HEAD', url: blobUrl(at) });
      return { sizeBytes: Number(headers['content-length'] ?? 0), metadata: metadataIn(headers) };
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    }
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const prefix = `${(textAt(location.azure ?? {}, 'blob') ?? '').replace(/\/$/, '')}/`;
    for await (const { key } of this.list(location)) if (key.startsWith(prefix)) return true;
    return false;
  }

  private async putWhole(at: Connection, body: Buffer, headers: Record<string, string>): Promise<void> {
    await this.finish(at, { method: 'PUT', url: blobUrl(at), headers: { ...headers, 'x-ms-blob-type': 'BlockBlob' }, body });
  }

  /** Another save of the same blob drops the blocks of this one when it is committed first: then this one is to be repeated. */
  private async commit(at: Connection, blocks: readonly string[], headers: Record<string, string>): Promise<void> {
    const list = blocks.map((id) => `<Latest>${id}</Latest>`).join('');
    try {
      await this.finish(at, {
        method: 'PUT',
        url: `${blobUrl(at)}?comp=blocklist`,
        headers: { 'content-type': 'application/xml', ...headers },
        body: Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`),
      });
    } catch (error) {
      if (!(error instanceof ArtifactAccessError) || !error.message.includes('InvalidBlockList')) throw error;
      throw new TransientError(`object store: another save of "${at.key}" came first`, { cause: error });
    }
  }

  private async finish(at: Connection, request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.send(at, request);
    answer.body.resume();
    return answer;
  }

  private async send(at: Connection, request: HttpRequest): Promise<HttpAnswer> {
    const { body, method } = request;
    const url = new URL(request.url);
    const headers: Record<string, string> = {
      'x-ms-date': new Date(this.options.clock.nowMs()).toUTCString(),
      'x-ms-version': API_VERSION,
      ...(body instanceof Buffer ? { 'content-length': String(body.length) } : {}),
      ...request.headers,
    };
    const authorization =
      'token' in at.signer ? `Bearer ${at.signer.token}` : sharedKeyAuthorization(at.signer.account, { method, url, headers });
    return successful({ ...request, url: url.href, headers: { ...headers, authorization } }, at.key);
  }

  private async connect(location: ArtifactLocation, wholeStore = false): Promise<Connection> {
    const block: Block = location.azure ?? {};
    const [endpoint, container] = [textAt(block, 'endpoint'), textAt(block, 'container')];
    const key = textAt(block, 'blob') ?? '';
    if (endpoint === undefined || !/^https?:\/\/[^/]/.test(endpoint))
      throw new ArtifactLocationError('azure.endpoint is required, as a URL');
    if (container === undefined) throw new ArtifactLocationError('azure.container is required');
    if (key === '' && !wholeStore) throw new ArtifactLocationError('azure.blob: the key is required');
    const base = endpoint.replace(/\/$/, '');
    return {
      signer: await this.signer(block, base),
      containerUrl: `${base}/${encodeURIComponent(container)}`,
      key,
    };
  }

  private async signer(block: Block, endpoint: string): Promise<Signer> {
    if (block['useSDKCreds'] === true) return { token: await this.options.lentToken() };
    if (!isSet(block['accountKeySecret'])) throw new ArtifactLocationError('azure needs accountKeySecret, or useSDKCreds');
    const key = (await secretAt(block['accountKeySecret'], 'azure.accountKeySecret', this.scope)) ?? '';
    return { account: { name: accountNameOf(new URL(endpoint)), key: key.trim() } };
  }
}

/** The account is the first label of the host; emulators, whose host is an address, have it as the path. */
function accountNameOf(endpoint: URL): string {
  const [first = ''] = endpoint.pathname.split('/').filter((segment) => segment !== '');
  return first === '' ? (endpoint.hostname.split('.')[0] ?? '') : first;
}

function blobUrl({ containerUrl, key }: Connection): string {
  return `${containerUrl}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

function metadataHeaders(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [`${METADATA_PREFIX}${name.replaceAll('-', '_')}`, value]),
  );
}

function metadataIn(headers: HttpAnswer['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(METADATA_PREFIX))
      .map(([name, value]) => [name.slice(METADATA_PREFIX.length).replaceAll('_', '-'), String(value)]),
  );
}
