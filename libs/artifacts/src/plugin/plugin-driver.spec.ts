import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { describeArtifactDriver } from '#libs/testing';
import type { KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';

import { ArtifactService, type PluginArtifactMessage } from './plugin-service.js';

interface Asked {
  artifact: PluginArtifactMessage;
  outputArtifact: PluginArtifactMessage;
  path: string;
}
type Call = ServerUnaryCall<Asked, object>;
type Done = sendUnaryData<object>;
const CHUNK_BYTES = 64 * 1024;

/** A plugin of our own, in this process. */
class PluginPeer {
  readonly objects = new Map<string, Buffer>();
  readonly configurations: string[] = [];
  refusal: string | undefined;
  code: status | undefined;
  private readonly server = new Server();

  async open(socket: string): Promise<this> {
    this.server.addService(ArtifactService.service, {
      OpenStream: (call: ServerWritableStream<Asked, object>) => void this.read(call),
      Save: (call: Call, done: Done) => void this.save(call, done),
      Delete: (call: Call, done: Done) => {
        this.objects.delete(keyOf(call.request.artifact));
        done(null, { success: true });
      },
      ListObjects: (call: Call, done: Done) => done(null, { objects: this.below(keyOf(call.request.artifact)) }),
      IsDirectory: (call: Call, done: Done) => {
        const key = keyOf(call.request.artifact);
        done(null, { isDirectory: this.below(key).some((name) => name !== key) });
      },
    });
    await new Promise<void>((settle, refuse) => {
      this.server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => (error ? refuse(error) : settle()));
    });
    return this;
  }
  close(): void {
    this.server.forceShutdown();
  }

  private below(key: string): string[] {
    return [...this.objects.keys()].filter((name) => key === '' || name === key || name.startsWith(`${key}/`));
  }

  private async save({ request }: Call, done: Done): Promise<void> {
    const { plugin } = request.outputArtifact;
    this.configurations.push(plugin.configuration);
    if (this.code !== undefined) return done({ code: this.code, details: 'as told' });
    if (this.refusal !== undefined) return done(null, { success: false, error: this.refusal });
    this.objects.set(plugin.key, await readFile(request.path));
    done(null, { success: true });
  }

  private async read(call: ServerWritableStream<Asked, object>): Promise<void> {
    const body = this.objects.get(keyOf(call.request.artifact));
    if (body === undefined) return void (call.write({ error: 'no such thing' }), call.end());
    for (let at = 0; at < body.length; at += CHUNK_BYTES) {
      const hasRoom = call.write({ data: body.subarray(at, at + CHUNK_BYTES) });
      if (!hasRoom) await new Promise((settle) => call.once('drain', settle));
    }
    call.write({ isEnd: true });
    call.end();
  }
}

const keyOf = (artifact: PluginArtifactMessage): string => artifact.plugin.key;

async function openPeer(): Promise<{ folder: string; peer: PluginPeer }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'plug-'));
  await mkdir(path.join(folder, 'own'));
  return { folder, peer: await new PluginPeer().open(path.join(folder, 'own/socket')) };
}
const driversIn = (folder: string) =>
  createArtifactDrivers({ clock: { nowMs: () => Date.now() }, stores: { artifactPlugins: folder } });
const locationOf = (key: string, more: KubernetesObject = {}) => ({
  plugin: { name: 'own', configuration: 'any: text', key, ...more },
});

describeArtifactDriver('plugin', async () => {
  const { folder, peer } = await openPeer();
  const drivers = driversIn(folder);
  return {
    driver: drivers.driverFor(locationOf('any'), { namespace: 'argo' }),
    locationOf,
    keepsMetadata: false,
    unfinishedUploads: async () => (await readdir(path.join(folder, 'own'))).length - 1,
    close: async () => {
      drivers.close();
      peer.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe('plugin artifact driver', () => {
  let folder: string;
  let peer: PluginPeer;
  beforeEach(async () => {
    ({ folder, peer } = await openPeer());
  });
  afterEach(async () => {
    peer.close();
    await rm(folder, { recursive: true });
  });
  const use = (more: KubernetesObject = {}) => {
    const drivers = driversIn(folder);
    const location = locationOf('key', more);
    const driver = drivers.driverFor(location, { namespace: 'argo' });
    const closing = <T>(work: Promise<T>): Promise<T> => work.finally(() => drivers.close());
    return {
      load: () => closing(driver.load(location).then(text)),
      save: (body: string) => closing(driver.save(location, Readable.from([Buffer.from(body)]))),
    };
  };

  it('says things by the numbers that the published interface gives them', () => {
    const { Save, OpenStream, IsDirectory } = ArtifactService.service;
    const plugin = { name: 'own', configuration: 'c', connectionTimeoutSeconds: 7, key: 'k' };
    const request = Save!.requestSerialize({ path: '/f', outputArtifact: { name: 'n', plugin } });
    const place = [0x0a, 3, ...Buffer.from('own'), 0x12, 1, ...Buffer.from('c'), 0x18, 7, 0x22, 1, ...Buffer.from('k')];
    const artifact = [0x0a, 1, ...Buffer.from('n'), 0x2a, place.length, ...place];
    expect([...request]).toEqual([0x0a, 2, ...Buffer.from('/f'), 0x12, artifact.length, ...artifact]);
    expect([Save!.path, OpenStream!.responseStream]).toEqual(['/artifact.ArtifactService/Save', true]);
    expect(OpenStream!.responseDeserialize(Buffer.from([0x0a, 1, 0x78, 0x10, 1, 0x1a, 1, 0x65]))).toMatchObject({
      data: Buffer.from('x'),
      isEnd: true,
      error: 'e',
    });
    expect(IsDirectory!.responseDeserialize(Buffer.from([0x08, 1]))).toMatchObject({ isDirectory: true, error: '' });
  });

  it('hands the configuration on as it is', async () => {
    await use({ configuration: 'bucket: b\n' }).save('x');
    expect(peer.configurations).toEqual(['bucket: b\n']);
  });

  it('takes what a plugin says for a refusal, unless its code says that something is away', async () => {
    peer.refusal = 'the quota is used up';
    await expect(use().save('x')).rejects.toMatchObject({
      name: 'ArtifactAccessError',
      message: 'artifact plugin "own": the quota is used up',
    });
    peer.code = status.UNAVAILABLE;
    await expect(use().save('x')).rejects.toMatchObject({ name: 'TransientError' });
    peer.code = status.PERMISSION_DENIED;
    await expect(use().save('x')).rejects.toMatchObject({ name: 'ArtifactAccessError' });
  });

  it('waits for a plugin that is not there for as long as the artifact says', async () => {
    await expect(use({ name: 'absent', connectionTimeoutSeconds: 1 }).load()).rejects.toMatchObject({ name: 'TransientError' });
  });

  it('is refused by name where plugins are not configured, and where it has no name', async () => {
    const none = createArtifactDrivers({ clock: { nowMs: () => 0 } });
    expect(() => none.driverFor(locationOf('k'), { namespace: 'argo' })).toThrow('unsupported artifact driver "plugin"');
    await expect(use({ name: '../up' }).load()).rejects.toThrow(/plugin\.name is required/);
  });
});
