import { createVerify, generateKeyPairSync } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

import { describeArtifactDriver } from '#libs/testing';

import { createArtifactDrivers } from '../registry.js';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const LENT = 'lent-token';

interface Item {
  body: Buffer;
  metadata: Record<string, string>;
}

/** A peer of our own that speaks as much of the JSON API as the driver uses, and checks the signature of the token's request. */
class GcsPeer {
  readonly items = new Map<string, Item>();
  readonly uploads = new Map<string, Item & { name: string }>();
  base = '';

  readonly server = createServer((request, response) => {
    void buffer(request).then(
      (body) => this.answer(request, response, body),
      () => undefined,
    );
  });

  private answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '', this.base);
    const json = (value: unknown, status = 200): void => void response.writeHead(status).end(JSON.stringify(value));
    if (url.pathname === '/token') return json(isSigned(body) ? { access_token: LENT } : {}, isSigned(body) ? 200 : 401);
    if (request.headers.authorization !== `Bearer ${LENT}`) return json({}, 401);
    if (url.pathname.startsWith('/upload/')) return this.start(url, body, response);
    if (url.pathname.startsWith('/session/')) return this.part(request, response, body);
    const name = /^\/storage\/v1\/b\/bucket\/o\/(.+)$/.exec(url.pathname)?.[1];
    if (name === undefined) return json(this.page(url));
    const key = decodeURIComponent(name);
    const item = this.items.get(key);
    if (item === undefined) return json({ error: { code: 404 } }, 404);
    if (request.method === 'DELETE') return void (this.items.delete(key), response.writeHead(204).end());
    if (url.searchParams.get('alt') === 'media') return void response.end(item.body);
    return json({ name: key, size: String(item.body.length), metadata: item.metadata });
  }

  /** Two objects a page, so that pages follow each other. */
  private page(url: URL): object {
    const prefix = url.searchParams.get('prefix') ?? '';
    const names = [...this.items.keys()].filter((name) => name.startsWith(prefix)).sort();
    const from = Number(url.searchParams.get('pageToken') ?? 0);
    const items = names.slice(from, from + 2).map((name) => ({ name, size: String(this.items.get(name)?.body.length) }));
    return { items, ...(names.length > from + 2 ? { nextPageToken: String(from + 2) } : {}) };
  }

  private start(url: URL, body: Buffer, response: ServerResponse): void {
    const id = `/session/${this.uploads.size}-${this.items.size}-${process.hrtime.bigint()}`;
    const { metadata } = JSON.parse(body.toString()) as Item;
    this.uploads.set(id, { name: url.searchParams.get('name') ?? '', body: Buffer.alloc(0), metadata });
    response.writeHead(200, { location: this.base + id }).end();
  }

  private part(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const id = request.url ?? '';
    const upload = this.uploads.get(id);
    if (upload === undefined || request.method === 'DELETE') {
      this.uploads.delete(id);
      response.writeHead(499).end();
      return;
    }
    upload.body = Buffer.concat([upload.body, body]);
    const total = /\/(\d+)$/.exec(request.headers['content-range'] ?? '')?.[1];
    if (total === undefined) {
      response.writeHead(308, { range: `bytes=0-${upload.body.length - 1}` }).end();
      return;
    }
    this.uploads.delete(id);
    if (Number(total) === upload.body.length) this.items.set(upload.name, upload);
    response.writeHead(Number(total) === upload.body.length ? 200 : 400).end('{}');
  }
}

function isSigned(body: Buffer): boolean {
  const [head = '', claims = '', signature = ''] = (new URLSearchParams(body.toString()).get('assertion') ?? '').split('.');
  const { iss } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { iss?: string };
  return iss === 'me@project' && createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url');
}

describeArtifactDriver('gcs', async () => {
  const peer = new GcsPeer();
  await new Promise<void>((settle) => peer.server.listen(0, '127.0.0.1', settle));
  peer.base = `http://127.0.0.1:${(peer.server.address() as AddressInfo).port}`;
  const keyFile = { client_email: 'me@project', private_key: privateKey, private_key_id: 'k', token_uri: `${peer.base}/token` };
  const drivers = createArtifactDrivers({
    clock: { nowMs: () => Date.now() },
    readSecret: async () => JSON.stringify(keyFile),
    gcs: { apiUrl: peer.base },
  });
  const locationOf = (key: string) => ({
    gcs: { bucket: 'bucket', key, serviceAccountKeySecret: { name: 'google', key: 'key.json' } },
  });
  return {
    driver: drivers.driverFor(locationOf('any'), { namespace: 'argo' }),
    locationOf,
    unfinishedUploads: async () => peer.uploads.size,
    close: async () => {
      peer.server.closeAllConnections();
      await new Promise((settle) => peer.server.close(settle));
    },
  };
});
