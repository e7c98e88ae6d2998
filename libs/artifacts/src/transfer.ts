import { chmod, mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { ArchiveStrategy, ArtifactLocation } from '#libs/workflow-spec';

import { DEFAULT_ARCHIVE_LIMITS, type ArchiveLimits } from './archives/limits.js';
import { openSource, sourceTree } from './archives/source-tree.js';
import { packTar, unpackTar } from './archives/tar-archive.js';
import { detectTarGz } from './archives/tar-detection.js';
import type { ArtifactDriver } from './contract.js';
import { ArchiveRefusedError, ArtifactNotFoundError } from './errors.js';
import { keyOf, withKey } from './location.js';
import type { ArtifactDrivers } from './registry.js';

/** Where an artifact is, and whose secrets open it. */
export interface ArtifactPlace {
  location: ArtifactLocation;
  namespace: string;
}
/** A load of one artifact to `hostPath`; what stands there is replaced. Its parent folder must exist. */
export interface LoadRequest extends ArtifactPlace {
  hostPath: string;
  archive?: ArchiveStrategy;
  signal?: AbortSignal;
}
/** A save of the file or folder at `hostPath`; `entryName` is what the archive calls it. */
export interface SaveRequest extends ArtifactPlace {
  hostPath: string;
  entryName: string;
  archive?: ArchiveStrategy;
  metadata: Record<string, string>;
  signal?: AbortSignal;
}
/** A save of bytes as they are (logs). */
export interface SaveBytesRequest extends ArtifactPlace {
  body: Readable;
  metadata: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * Moves artifacts between stores and folders, packing and unpacking on the way (Argo v4.1: `tar` is the default for saving;
 * loading follows the stated strategy, else unpacks what is a gzipped tar and leaves everything else as it is).
 * A load builds beside its target and renames at the end, so a repeated or killed load never leaves half an artifact there. `stopping` ends saves that
 * have no signal of their own; they leave nothing behind.
 */
export class ArtifactTransfer {
  constructor(
    private readonly drivers: ArtifactDrivers,
    private readonly limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
    private readonly stopping?: AbortSignal,
  ) {}

  /** `missing` where neither an object nor a folder of objects is at the location. */
  async load(request: LoadRequest): Promise<'loaded' | 'missing'> {
    const driver = this.drivers.driverFor(request.location, { namespace: request.namespace });
    const workFolder = `${request.hostPath}.argosy-load`;
    await rm(workFolder, { recursive: true, force: true });
    try {
      await mkdir(workFolder, { mode: 0o700 });
      const result = await this.fetch(driver, request, await realpath(workFolder));
      if (result === undefined) return 'missing';
      await rm(request.hostPath, { recursive: true, force: true });
      await rename(result, request.hostPath);
      return 'loaded';
    } finally {
      await rm(workFolder, { recursive: true, force: true });
    }
  }

  /** Resolves when everything is durable. Throws ArtifactNotFoundError where nothing is at `hostPath`. */
  async save(request: SaveRequest): Promise<void> {
    const driver = this.drivers.driverFor(request.location, { namespace: request.namespace });
    const { archive = {}, metadata, signal = this.stopping } = request;
    const options = { metadata, ...(signal === undefined ? {} : { signal }) };
    if (archive.none !== undefined) await saveTree(driver, request, options);
    else if (archive.zip !== undefined) await driver.save(request.location, (await zipArchive()).packZip(request), options);
    else await driver.save(request.location, packTar(request, archive.tar?.compressionLevel), options);
  }

  /** Saves the bytes as they are. */
  async saveBytes(request: SaveBytesRequest): Promise<void> {
    const driver = this.drivers.driverFor(request.location, { namespace: request.namespace });
    const { metadata, signal = this.stopping } = request;
    await driver.save(request.location, request.body, { metadata, ...(signal === undefined ? {} : { signal }) });
  }

  /** Path, within the work folder, of what is to become the target. */
  private async fetch(driver: ArtifactDriver, request: LoadRequest, workFolder: string): Promise<string | undefined> {
    const content = path.join(workFolder, 'content');
    if (driver.loadFolder !== undefined) {
      const { location, signal } = request;
      await driver.loadFolder(location, content, signal === undefined ? {} : { signal });
      return content;
    }
    const body = await driver.load(request.location).catch((error: unknown) => {
      if (error instanceof ArtifactNotFoundError) return undefined;
      throw error;
    });
    if (body !== undefined) return this.unpack(body, request.archive ?? {}, content);
    if (!(await driver.isDirectory(request.location))) return undefined;
    await loadTree(driver, request.location, content);
    return content;
  }

  private async unpack(body: Readable, archive: ArchiveStrategy, content: string): Promise<string> {
    if (archive.zip !== undefined) {
      await mkdir(content);
      await (await zipArchive()).unpackZip(body, content, { limits: this.limits, spoolFile: `${content}.zip` });
      return soleEntryOf(content);
    }
    const detected =
      archive.tar !== undefined || archive.none !== undefined
        ? { isTarGz: archive.tar !== undefined, body }
        : await detectTarGz(body);
    if (!detected.isTarGz) {
      await pipeline(detected.body, createWriteStream(content, { flags: 'wx', mode: 0o644 }));
      return content;
    }
    await mkdir(content);
    await unpackTar(detected.body, content, this.limits);
    return soleEntryOf(content);
  }
}

/** Zip archives are rare, and what reads them takes memory in every pod. */
const zipArchive = () => import('./archives/zip-archive.js');

/** An archive of one file or folder stands for that; of several, for the folder that holds them (Argo's `unpack`). */
async function soleEntryOf(folder: string): Promise<string> {
  const [only, ...others] = await readdir(folder);
  if (only !== undefined && others.length === 0) return path.join(folder, only);
  await chmod(folder, 0o755);
  return folder;
}

async function loadTree(driver: ArtifactDriver, location: ArtifactLocation, folder: string): Promise<void> {
  const key = (keyOf(location) ?? '').replace(/\/$/, '');
  await mkdir(folder);
  for await (const object of driver.list(location)) {
    if (!object.key.startsWith(`${key}/`) || object.key.endsWith('/')) continue;
    const segments = object.key.slice(key.length + 1).split('/');
    if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || segment.includes('\0'))) {
      throw new ArchiveRefusedError(`illegal file path: ${object.key}`);
    }
    const target = path.join(folder, ...segments);
    await mkdir(path.dirname(target), { recursive: true });
    await pipeline(await driver.load(withKey(location, object.key)), createWriteStream(target, { flags: 'wx', mode: 0o644 }));
  }
}

/** A folder becomes one object per file below the key; links and empty folders have no form as objects and are left out, as in Argo. */
async function saveTree(
  driver: ArtifactDriver,
  request: SaveRequest,
  options: { metadata: Record<string, string>; signal?: AbortSignal },
): Promise<void> {
  const key = (keyOf(request.location) ?? '').replace(/\/$/, '');
  for await (const entry of sourceTree(request.hostPath, '')) {
    if (entry.type !== 'file') continue;
    const body = await openSource(entry.hostPath, entry.stats.size);
    await driver.save(withKey(request.location, `${key}${entry.name}`), body, { ...options, sizeBytes: entry.stats.size });
  }
}
