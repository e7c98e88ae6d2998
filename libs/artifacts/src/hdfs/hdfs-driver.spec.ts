import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeArtifactDriver } from '#libs/testing';
import type { KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';

interface File {
  body: Buffer;
  attributes: Map<string, string>;
  modificationTime: number;
}
const PREFIX = '/webhdfs/v1';

/**
 * A peer of our own: a name node that has no bytes, and a data node that it sends on to, as WebHDFS does. A body that breaks off
 * leaves a file with what came so far, as there.
 */
class HdfsPeer {
  readonly files = new Map<string, File>();
  private readonly servers = [
    createServer((request, response) => this.nameNode(request, response)),
    createServer((request, response) => void this.dataNode(request, response)),
  ];
  isStandby = false;
  knowsAttributes = true;
  address = '';
  private dataAddress = '';

  private nameNode(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://peer');
    const path = decodeURIComponent(url.pathname.slice(PREFIX.length));
    const op = url.searchParams.get('op') ?? '';
    request.resume();
    if (this.isStandby) return refuse(response, 403, 'StandbyException');
    if (url.searchParams.get('user.name') !== 'hadoop') return refuse(response, 401, 'SecurityException');
    const name = `${request.method} ${op}`;
    if (name === 'PUT CREATE' || name === 'GET OPEN') {
      if (op === 'OPEN' && !this.files.has(path)) return refuse(response, 404, 'FileNotFoundException');
      return void response.writeHead(307, { location: `http://${this.dataAddress}${request.url}` }).end();
    }
    if (name === 'GET LISTSTATUS') return this.list(path, response);
    if (name === 'DELETE DELETE') return answer(response, { boolean: this.files.delete(path) });
    const file = this.files.get(path);
    if (file === undefined) return refuse(response, 404, 'FileNotFoundException');
    this.about(name, { file, path, query: url.searchParams }, response);
  }

  private about(
    name: string,
    { file, path, query }: { file: File; path: string; query: URLSearchParams },
    response: ServerResponse,
  ) {
    if (name === 'GET GETFILESTATUS') return answer(response, { FileStatus: statusOf('', file) });
    if (name === 'PUT RENAME') {
      this.files.delete(path);
      this.files.set(query.get('destination') ?? '', file);
      return void response.end();
    }
    const attribute = query.get('xattr.name') ?? '';
    if (!this.knowsAttributes) return refuse(response, 403, 'IOException');
    if (name === 'PUT SETXATTR') return void (file.attributes.set(attribute, query.get('xattr.value') ?? ''), response.end());
    const value = file.attributes.get(attribute);
    if (value === undefined) return refuse(response, 403, 'IOException');
    answer(response, { XAttrs: [{ name: attribute, value }] });
  }

  private list(path: string, response: ServerResponse): void {
    const file = this.files.get(path);
    if (file !== undefined) return answer(response, { FileStatuses: { FileStatus: [statusOf('', file)] } });
    const folder = path === '/' ? '/' : `${path}/`;
    const below = [...this.files].filter(([name]) => name.startsWith(folder));
    if (below.length === 0) return refuse(response, 404, 'FileNotFoundException');
    const children = new Map(
      below.map(([name, found]) => {
        const [first = '', ...rest] = name.slice(folder.length).split('/');
        return [first, rest.length > 0 ? { ...statusOf(first, found), type: 'DIRECTORY', length: 0 } : statusOf(first, found)];
      }),
    );
    answer(response, { FileStatuses: { FileStatus: [...children.values()] } });
  }

  private async dataNode(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://peer').pathname.slice(PREFIX.length));
    if (request.method === 'GET') {
      const { body } = this.files.get(path)!;
      return void response.writeHead(200, { 'content-length': body.length }).end(body);
    }
    const file: File = { body: Buffer.alloc(0), attributes: new Map(), modificationTime: Date.now() };
    this.files.set(path, file);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined);
    await new Promise((settle) => request.on('close', settle));
    file.body = Buffer.concat(chunks);
    response.writeHead(201).end();
  }

  async open(): Promise<this> {
    await Promise.all(this.servers.map((server) => new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle))));
    [this.address = '', this.dataAddress = ''] = this.servers.map(
      (server) => `127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    return this;
  }
  async close(): Promise<void> {
    for (const server of this.servers) server.closeAllConnections();
    await Promise.all(this.servers.map((server) => new Promise((settle) => server.close(settle))));
  }
}

const statusOf = (pathSuffix: string, { body, modificationTime }: File) => ({
  pathSuffix,
  type: 'FILE',
  length: body.length,
  modificationTime,
});
function answer(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
function refuse(response: ServerResponse, status: number, exception: string): void {
  response.writeHead(status).end(JSON.stringify({ RemoteException: { exception, message: `${exception} of the peer` } }));
}

const drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() } });

describeArtifactDriver('hdfs', async () => {
  const peer = await new HdfsPeer().open();
  const locationOf = (path: string) => ({ hdfs: { addresses: [peer.address], hdfsUser: 'hadoop', force: true, path } });
  return {
    driver: drivers.driverFor(locationOf('/any'), { namespace: 'argo' }),
    locationOf,
    unfinishedUploads: async () => [...peer.files.keys()].filter((name) => name.includes('upload')).length,
    close: () => peer.close(),
  };
});

describe('hdfs artifact driver', () => {
  let peer: HdfsPeer;
  let second: HdfsPeer;
  beforeEach(async () => {
    peer = await new HdfsPeer().open();
    second = await new HdfsPeer().open();
  });
  afterEach(() => Promise.all([peer.close(), second.close()]));
  const use = (more: KubernetesObject = {}) => {
    const location = { hdfs: { addresses: [peer.address], hdfsUser: 'hadoop', path: '/tmp/file', ...more } };
    const driver = drivers.driverFor(location, { namespace: 'argo' });
    return {
      load: async () => text(await driver.load(location)),
      save: (body: string, owner = 'a') =>
        driver.save(location, Readable.from([Buffer.from(body)]), { metadata: { 'workflow-uid': owner } }),
      driver,
      location,
    };
  };

  it('replaces what the same node saved before, and what another saved only by force', async () => {
    await use().save('one');
    await use().save('two');
    await expect(use().save('three', 'b')).rejects.toThrow('hdfs: "/tmp/file" exists already, and force is not set');
    expect(await use().load()).toBe('two');
    await use({ force: true }).save('three', 'b');
    expect(await use().load()).toBe('three');
  });

  it('asks the next name node where one is on standby or away', async () => {
    await use().save('here');
    second.isStandby = true;
    expect(await use({ addresses: ['127.0.0.1:1', second.address, peer.address] }).load()).toBe('here');
    peer.isStandby = true;
    await expect(use({ addresses: [second.address, peer.address] }).load()).rejects.toMatchObject({ name: 'TransientError' });
  });

  it('keeps no metadata where the cluster has no attributes', async () => {
    peer.knowsAttributes = false;
    await use().save('plain');
    expect(await use().driver.head(use().location)).toEqual({ sizeBytes: 5, metadata: {} });
  });

  it('removes uploads that nobody finished for a day', async () => {
    const left = (hours: number): File => ({
      body: Buffer.from('x'),
      attributes: new Map(),
      modificationTime: Date.now() - hours * 3_600_000,
    });
    peer.files.set('/tmp/.file.argosy-upload-old', left(25));
    peer.files.set('/tmp/.file.argosy-upload-new', left(1));
    await use().save('x');
    expect([...peer.files.keys()].sort()).toEqual(['/tmp/.file.argosy-upload-new', '/tmp/file']);
  });

  it.each<[KubernetesObject, RegExp]>([
    [{ addresses: [] }, /hdfs\.addresses is required/],
    [{ addresses: ['a b'] }, /hdfs\.addresses: "a b" is no address/],
    [{ hdfsUser: '' }, /hdfs\.hdfsUser is required/],
    [{ path: '/a/../b' }, /it climbs/],
    [{ krbKeytabSecret: { name: 'k', key: 'k' } }, /hdfs\.krbKeytabSecret is not supported: there is no Kerberos here/],
    [{ dataTransferProtection: 'privacy' }, /hdfs\.dataTransferProtection is not supported/],
  ])('refuses %j by name', async (block, message) => {
    await expect(use(block).load()).rejects.toThrow(message);
  });

  it('refuses a user whom the cluster does not know for good', async () => {
    await expect(use({ hdfsUser: 'nobody' }).load()).rejects.toMatchObject({ name: 'ArtifactAccessError' });
  });
});
