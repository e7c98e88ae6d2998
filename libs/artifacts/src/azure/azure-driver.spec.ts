import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { describe, expect, it } from 'vitest';

import { describeArtifactDriver } from '#libs/testing';

import { createArtifactDrivers } from '../registry.js';

import { sharedKeyAuthorization } from './shared-key.js';

const ACCOUNT = { name: 'account', key: Buffer.from('the key of the account').toString('base64') };

interface Blob {
  body: Buffer;
  metadata: Record<string, string>;
}

const metadataIn = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-ms-meta-')));
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A peer of our own that speaks as much of the service as the driver uses, and checks every signature by the same rules. */
class AzurePeer {
  readonly blobs = new Map<string, Blob>();
  private readonly blocks = new Map<string, Buffer>();
  base = '';

  readonly server = createServer((request, response) => {
    void buffer(request).then(
      (body) => this.answer(request, response, body),
      () => undefined,
    );
  });

  private answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const { method = '' } = request;
    const url = new URL(request.url ?? '', this.base);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    if (headers['authorization'] !== sharedKeyAuthorization(ACCOUNT, { method, url, headers }))
      return void response.writeHead(403).end();
    const key = decodeURIComponent(url.pathname.replace(/^\/account\/box\/?/, ''));
    if (method === 'PUT') return this.put(key, { url, headers, body }, response);
    if (key === '') return void response.end(this.page(url));
    const blob = this.blobs.get(key);
    if (blob === undefined) return void response.writeHead(404).end();
    if (method === 'DELETE') return void (this.blobs.delete(key), response.writeHead(202).end());
    response.writeHead(200, { 'content-length': blob.body.length, ...blob.metadata });
    response.end(method === 'HEAD' ? undefined : blob.body);
  }

  private put(
    key: string,
    { url, headers, body }: { url: URL; headers: Record<string, string>; body: Buffer },
    response: ServerResponse,
  ): void {
    if (url.searchParams.get('comp') === 'block') {
      this.blocks.set(`${key} ${url.searchParams.get('blockid')}`, body);
    } else if (headers['x-ms-blob-type'] === 'BlockBlob') {
      this.blobs.set(key, { body, metadata: metadataIn(headers) });
    } else {
      const ids = Array.from(body.toString().matchAll(/<Latest>([^<]*)/g), ([, id]) => id);
      this.blobs.set(key, {
        body: Buffer.concat(ids.map((id) => this.blocks.get(`${key} ${id}`)!)),
        metadata: metadataIn(headers),
      });
      for (const name of this.blocks.keys()) if (name.startsWith(`${key} `)) this.blocks.delete(name);
    }
    response.writeHead(201).end();
  }

  /** Two blobs a page, so that pages follow each other. */
  private page(url: URL): string {
    const names = [...this.blobs.keys()].filter((name) => name.startsWith(url.searchParams.get('prefix') ?? '')).sort();
    const from = Number(url.searchParams.get('marker') ?? 0);
    const blobs = names.slice(from, from + 2).map((name) => {
      const size = this.blobs.get(name)?.body.length;
      return `<Blob><Name>${escaped(name)}</Name><Properties><Content-Length>${size}</Content-Length></Properties></Blob>`;
    });
    const next = names.length > from + 2 ? String(from + 2) : '';
    return `<?xml version="1.0"?><EnumerationResults><Blobs>${blobs.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;
  }
}

describeArtifactDriver('azure', async () => {
  const peer = new AzurePeer();
  await new Promise<void>((settle) => peer.server.listen(0, '127.0.0.1', settle));
  peer.base = `http://127.0.0.1:${(peer.server.address() as AddressInfo).port}`;
  const drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async () => ACCOUNT.key });
  const locationOf = (blob: string) => ({
    azure: {
      endpoint: `${peer.base}/account`,
      container: 'box',
      blob,
      accountKeySecret: { name: 'azure', key: 'key' },
    },
  });
  return {
    driver: drivers.driverFor(locationOf('any'), { namespace: 'argo' }),
    locationOf,
    // Blocks without a list are no uploads: the store forgets them.
    unfinishedUploads: async () => 0,
    close: async () => {
      peer.server.closeAllConnections();
      await new Promise((settle) => peer.server.close(settle));
    },
  };
});

describe('azure artifact driver', () => {
  it.each([
    [{ endpoint: 'account.blob.core.windows.net', container: 'c', blob: 'b' }, /azure\.endpoint is required, as a URL/],
    [{ endpoint: 'https://a.blob.core.windows.net', blob: 'b' }, /azure\.container is required/],
    [{ endpoint: 'https://a.blob.core.windows.net', container: 'c', blob: 'b' }, /needs accountKeySecret, or useSDKCreds/],
  ])('refuses %j by name', async (azure, message) => {
    const drivers = createArtifactDrivers({ clock: { nowMs: () => 0 }, readSecret: async () => 'x' });
    await expect(drivers.driverFor({ azure }, { namespace: 'argo' }).load({ azure })).rejects.toThrow(message);
  });
});
