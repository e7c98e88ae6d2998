import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, opendir, readFile, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';

import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactKeyError, ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';

import { BLOCKED_BY_OBJECT, confinedPath, PRIVATE_FOLDER } from './confined-path.js';

/** An upload that nobody finished for this long belonged to a program that was killed. */
const STALE_UPLOAD_MS = 24 * 60 * 60 * 1000;

interface StoredMetadata {
  key: string;
  metadata: Record<string, string>;
}

/**
 * Objects as files under one root folder; the file's path is its key, so people can look at it. Saving: the body goes into
 * `.argosy/incoming/<random>`, is synced, then its metadata is written, then it is renamed to its place. Crash points: before
 * the rename, nothing is visible (the upload is removed after a day); between metadata and rename, the old object carries
 * the new owner's mark until the owner repeats its save, so no earlier owner can delete what is about to come.
 */
export class FilesystemArtifactDriver implements ArtifactDriver {
  readonly kind = 'filesystem';
  private staleUploadsRemoved = false;

  constructor(
    private readonly rootFolder: string,
    private readonly clock: { nowMs(): number },
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const key = requireKey(location);
    return this.guard(key, async () => {
      const target = await this.locate(key);
      if (target === undefined) throw new ArtifactNotFoundError(key);
      const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW);
      if ((await handle.stat()).isFile()) return handle.createReadStream();
      await handle.close();
      throw new ArtifactNotFoundError(key);
    });
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    const key = requireKey(location);
    await this.guard(key, async () => {
      await this.prepare();
      const upload = path.join(this.privateFolder('incoming'), randomUUID());
      try {
        await confinedPath(this.rootFolder, key);
        await writeDurably(upload, body, options.signal);
        await this.publish(upload, key, options.metadata ?? {});
      } catch (error) {
        body.destroy();
        await rm(upload, { force: true });
        throw error;
      }
    });
  }

  /** The empty key stands for the whole store. */
  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    if (location.filesystem?.key === '') {
      yield* this.walk(await this.guard('', () => realpath(this.rootFolder)), '');
      return;
    }
    const key = requireKey(location);
    const start = await this.guard(key, () => this.locate(key));
    if (start === undefined) return;
    const found = await lstat(start).catch(() => undefined);
    if (found?.isFile() === true) yield { key: key.replace(/\/$/, ''), sizeBytes: found.size };
    else if (found?.isDirectory() === true) yield* this.walk(start, key.replace(/\/$/, ''));
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const key = requireKey(location);
    await this.guard(key, async () => {
      const target = await this.locate(key);
      const found = target === undefined ? undefined : await lstat(target).catch(() => undefined);
      if (target === undefined || found?.isFile() !== true) return;
      await rm(target, { force: true });
      await rm(this.metadataPath(key), { force: true });
      await this.removeEmptyParents(target);
    });
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const key = requireKey(location);
    return this.guard(key, async () => {
      const target = await this.locate(key);
      const found = target === undefined ? undefined : await lstat(target).catch(() => undefined);
      if (found?.isFile() !== true) return undefined;
      return { sizeBytes: found.size, metadata: await this.readMetadata(key) };
    });
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const key = requireKey(location);
    const target = await this.guard(key, () => this.locate(key));
    if (target === undefined) return false;
    return (await lstat(target).catch(() => undefined))?.isDirectory() ?? false;
  }

  /** Undefined where the way to the key leads over an object: then nothing can be there. */
  private async locate(key: string): Promise<string | undefined> {
    try {
      return await confinedPath(this.rootFolder, key);
    } catch (error) {
      if (error instanceof ArtifactKeyError && error.reason === BLOCKED_BY_OBJECT) return undefined;
      throw error;
    }
  }

  private async *walk(folder: string, key: string): AsyncIterable<StoredObject> {
    const names: string[] = [];
    for await (const entry of await opendir(folder)) names.push(entry.name);
    for (const name of names.sort()) {
      if (key === '' && name === PRIVATE_FOLDER) continue;
      const child = path.join(folder, name);
      const childKey = key === '' ? name : `${key}/${name}`;
      const found = await lstat(child).catch(() => undefined);
      if (found?.isFile() === true) yield { key: childKey, sizeBytes: found.size };
      else if (found?.isDirectory() === true) yield* this.walk(child, childKey);
    }
  }

  /** Metadata first, see the class. The parent is checked again after it was made. */
  private async publish(upload: string, key: string, metadata: Record<string, string>): Promise<void> {
    const target = await confinedPath(this.rootFolder, key);
    if ((await lstat(target).catch(() => undefined))?.isDirectory() === true)
      throw new ArtifactKeyError(key, 'it is the folder of other objects');
    await mkdir(path.dirname(target), { recursive: true });
    await confinedPath(this.rootFolder, key);
    await this.writeMetadata(key, metadata);
    await rename(upload, target);
    await syncFolder(path.dirname(target));
  }

  private async writeMetadata(key: string, metadata: Record<string, string>): Promise<void> {
    const body: StoredMetadata = { key, metadata };
    const temporary = path.join(this.privateFolder('incoming'), randomUUID());
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify(body));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.metadataPath(key));
  }

  private async readMetadata(key: string): Promise<Record<string, string>> {
    const text = await readFile(this.metadataPath(key), 'utf8').catch(() => undefined);
    if (text === undefined) return {};
    const stored = JSON.parse(text) as StoredMetadata;
    return stored.metadata;
  }

  private metadataPath(key: string): string {
    const name = createHash('sha256').update(key.replace(/\/$/, '')).digest('hex');
    return path.join(this.privateFolder('metadata'), `${name}.json`);
  }

  private privateFolder(name: 'incoming' | 'metadata'): string {
    return path.join(this.rootFolder, PRIVATE_FOLDER, name);
  }

  private async prepare(): Promise<void> {
    await mkdir(this.privateFolder('incoming'), { recursive: true });
    await mkdir(this.privateFolder('metadata'), { recursive: true });
    if (this.staleUploadsRemoved) return;
    this.staleUploadsRemoved = true;
    for await (const entry of await opendir(this.privateFolder('incoming'))) {
      const upload = path.join(this.privateFolder('incoming'), entry.name);
      const found = await stat(upload).catch(() => undefined);
      if (found !== undefined && found.mtimeMs < this.clock.nowMs() - STALE_UPLOAD_MS) await rm(upload, { force: true });
    }
  }

  /** A folder exists only for its objects. A concurrent save into it makes rmdir or its own rename fail; both are repeated. */
  private async removeEmptyParents(target: string): Promise<void> {
    const root = path.resolve(this.rootFolder);
    for (
      let folder = path.dirname(target);
      folder.startsWith(root + path.sep) && folder !== root;
      folder = path.dirname(folder)
    ) {
      const removed = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }

  private async guard<T>(key: string, action: () => Promise<T>): Promise<T> {
    try {
      await mkdir(this.rootFolder, { recursive: true });
      return await action();
    } catch (error) {
      throw classify(error, key);
    }
  }
}

function requireKey(location: ArtifactLocation): string {
  const key = location.filesystem?.key;
  if (key === undefined || key === '') throw new ArtifactLocationError('filesystem.key is required');
  return key;
}

async function writeDurably(file: string, body: Readable, signal: AbortSignal | undefined): Promise<void> {
  if (signal !== undefined) addAbortSignal(signal, body);
  const handle = await open(file, 'wx', 0o644);
  try {
    await handle.writeFile(body);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const TRANSIENT_CODES = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EIO',
  'EBUSY',
  'ESTALE',
  'ETIMEDOUT',
  'EAGAIN',
  'ENOMEM',
]);

function classify(error: unknown, key: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new ArtifactNotFoundError(key, { cause: error });
  if (code === 'ELOOP') return new ArtifactKeyError(key, 'it leads through a symbolic link');
  if (code === 'ENAMETOOLONG') return new ArtifactKeyError(key, 'it is too long');
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new ArtifactAccessError(`artifact folder: ${(error as Error).message}`, { cause: error });
  }
  if (TRANSIENT_CODES.has(code)) return new TransientError(`artifact folder: ${(error as Error).message}`, { cause: error });
  return error;
}
