import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';
import { announcedBytes } from '../http/exchange.js';
import { wholeBody } from '../whole-body.js';

import { type HdfsPlace, hdfsPlace } from './hdfs-settings.js';
import { type HdfsStatus, WebHdfs } from './web-hdfs.js';

/** The extended attribute that holds the metadata of a save. */
const METADATA_ATTRIBUTE = 'user.argosy';
const UPLOAD_MARK = '.argosy-upload-';
/** An upload that nobody finished for this long belonged to a program that was killed. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1000;

interface Connection extends HdfsPlace {
  hdfs: WebHdfs;
  /** Absolute path of the file. */
  target: string;
}

/**
 * Files of HDFS, through WebHDFS (Argo v4.1 `artifacts/hdfs` speaks the protocol of the name nodes). A save goes into a hidden file
 * beside its target and is renamed at the end. Crash points: before the rename nothing is visible, and the next save of the same
 * file removes what is older than a day. Without `force` a file that another node saved is not replaced.
 */
export class HdfsArtifactDriver implements ArtifactDriver {
  readonly kind = 'hdfs';

  constructor(private readonly clock: { nowMs(): number }) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const { hdfs, target, path } = connect(location);
    const answer = await named(path, () => hdfs.open(target));
    return wholeBody(answer.body, announcedBytes(answer), path);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    const { metadata = {}, signal, sizeBytes } = options;
    try {
      signal?.throwIfAborted();
      const at = connect(location);
      const { hdfs, target, path } = at;
      if (!at.force) await this.assertReplaceable(at, metadata);
      const upload = `${folderOf(target)}/.${nameOf(target)}${UPLOAD_MARK}${randomUUID()}`;
      try {
        await this.removeStaleUploads(at);
        const known = { ...(sizeBytes === undefined ? {} : { sizeBytes }), ...(signal === undefined ? {} : { signal }) };
        await named(path, () => hdfs.create(upload, body, known));
        await keepMetadata(hdfs, upload, metadata);
        signal?.throwIfAborted();
        await named(path, () => hdfs.replace(upload, target));
      } catch (error) {
        await hdfs.remove(upload).catch(() => undefined);
        throw error;
      }
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const { hdfs, target, path } = connect(location, true);
    yield* filesBelow(hdfs, target, path.replace(/\/$/, ''));
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const { hdfs, target } = connect(location);
    await hdfs.remove(target);
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const { hdfs, target } = connect(location);
    try {
      const { type, length } = await hdfs.status(target);
      if (type !== 'FILE') return undefined;
      return { sizeBytes: length, metadata: await metadataOf(hdfs, target) };
    } catch (error) {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    }
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const prefix = `${connect(location).path.replace(/\/$/, '')}/`;
    for await (const { key } of this.list(location)) if (key.startsWith(prefix)) return true;
    return false;
  }

  private async assertReplaceable({ hdfs, target, path }: Connection, metadata: Record<string, string>): Promise<void> {
    const stored = await metadataOf(hdfs, target).catch((error: unknown) => {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    });
    if (stored === undefined || JSON.stringify(stored) === JSON.stringify(metadata)) return;
    throw new ArtifactAccessError(`hdfs: "${path}" exists already, and force is not set`);
  }

  private async removeStaleUploads({ hdfs, target }: Connection): Promise<void> {
    const folder = folderOf(target);
    const siblings = await childrenOf(hdfs, folder === '' ? '/' : folder);
    for (const { pathSuffix, modificationTime } of siblings) {
      const isOurs = pathSuffix.startsWith(`.${nameOf(target)}${UPLOAD_MARK}`);
      if (isOurs && modificationTime < this.clock.nowMs() - STALE_UPLOAD_MS) await hdfs.remove(`${folder}/${pathSuffix}`);
    }
  }
}

function connect(location: ArtifactLocation, wholeStore = false): Connection {
  const place = hdfsPlace(location, wholeStore);
  const names = place.path.split('/').filter((name) => name !== '');
  return { ...place, hdfs: new WebHdfs(place.nameNodes, place.user), target: `/${names.join('/')}` };
}

async function* filesBelow(hdfs: WebHdfs, target: string, key: string): AsyncIterable<StoredObject> {
  for (const { pathSuffix, type, length } of await childrenOf(hdfs, target)) {
    if (pathSuffix === '') yield { key, sizeBytes: length };
    else if (type === 'DIRECTORY')
      yield* filesBelow(hdfs, `${target === '/' ? '' : target}/${pathSuffix}`, joined(key, pathSuffix));
    else if (type === 'FILE' && !pathSuffix.includes(UPLOAD_MARK)) yield { key: joined(key, pathSuffix), sizeBytes: length };
  }
}

async function childrenOf(hdfs: WebHdfs, folder: string): Promise<HdfsStatus[]> {
  try {
    return await hdfs.children(folder);
  } catch (error) {
    if (error instanceof ArtifactNotFoundError) return [];
    throw error;
  }
}

/** A cluster whose attributes are switched off keeps no metadata. */
async function keepMetadata(hdfs: WebHdfs, file: string, metadata: Record<string, string>): Promise<void> {
  if (Object.keys(metadata).length === 0) return;
  try {
    await hdfs.setAttribute(file, METADATA_ATTRIBUTE, Buffer.from(JSON.stringify(metadata)));
  } catch (error) {
    if (!(error instanceof ArtifactAccessError)) throw error;
  }
}

async function metadataOf(hdfs: WebHdfs, file: string): Promise<Record<string, string>> {
  const value = await hdfs.attribute(file, METADATA_ATTRIBUTE);
  return value === undefined ? {} : (JSON.parse(value.toString('utf8')) as Record<string, string>);
}

/** Errors name the path as the artifact gives it. */
async function named<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof ArtifactNotFoundError ? new ArtifactNotFoundError(path, { cause: error }) : error;
  }
}

function folderOf(target: string): string {
  return target.slice(0, target.lastIndexOf('/'));
}

function nameOf(target: string): string {
  return target.slice(target.lastIndexOf('/') + 1);
}

function joined(key: string, name: string): string {
  return key === '' ? name : `${key}/${name}`;
}
