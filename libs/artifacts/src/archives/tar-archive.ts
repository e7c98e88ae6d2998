import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

import tar from 'tar-stream';

import { ArchiveRefusedError } from '../errors.js';

import { ArchiveMeter, type ArchiveLimits } from './limits.js';
import { openSource, sourceTree, type SourceEntry } from './source-tree.js';
import { refusalOf, UnpackTarget } from './unpack-target.js';

/**
 * A gzipped tar of the file or folder, produced while it is read. `compressionLevel` is gzip's, -1 to 9, default -1; 0 stores
 * without compressing but stays gzip (Argo v4.1 `util/archive`). Owners are not recorded, modes and times are.
 */
export function packTar(source: { hostPath: string; entryName: string }, compressionLevel = -1): Readable {
  return Readable.from(tarGzBytes(source, compressionLevel), { objectMode: false });
}

/** A generator, so that nothing is opened and no error can arise before somebody reads. */
async function* tarGzBytes(source: { hostPath: string; entryName: string }, level: number): AsyncGenerator<Buffer> {
  const pack = tar.pack();
  const gzip = createGzip({ level });
  const packing = addEntries(pack, source).catch((error: Error) => pack.destroy(error));
  const compressing = pipeline(pack, gzip).catch((error: Error) => gzip.destroy(error));
  try {
    yield* gzip as AsyncIterable<Buffer>;
  } finally {
    pack.destroy();
    await Promise.all([packing, compressing]);
  }
}

async function addEntries(pack: tar.Pack, source: { hostPath: string; entryName: string }): Promise<void> {
  for await (const entry of sourceTree(source.hostPath, source.entryName)) await addEntry(pack, entry);
  pack.finalize();
}

async function addEntry(pack: tar.Pack, entry: SourceEntry): Promise<void> {
  const header = { name: entry.name, mode: entry.stats.mode & 0o7777, mtime: entry.stats.mtime };
  if (entry.type === 'file') {
    const sink = pack.entry({ ...header, type: 'file', size: entry.stats.size });
    await pipeline(await openSource(entry.hostPath, entry.stats.size), sink);
    return;
  }
  const rest = entry.type === 'folder' ? { type: 'directory' as const } : { type: 'symlink' as const, linkname: entry.target };
  await new Promise<void>((resolve, reject) => {
    pack.entry({ ...header, ...rest, size: 0 }, (error) => (error ? reject(error) : resolve())).end(undefined);
  });
}

/** Unpacks a gzipped tar into an existing, empty folder (its real path). Refused entries: ArchiveRefusedError, some files may be written. */
export async function unpackTar(body: Readable, folder: string, limits: ArchiveLimits): Promise<void> {
  const meter = new ArchiveMeter(limits);
  const target = new UnpackTarget(folder, meter);
  const extract = tar.extract();
  const packedCounter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      meter.addPacked(chunk.length);
      done(null, chunk);
    },
  });
  const reading = pipeline(body, packedCounter, createGunzip(), extract).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code?.startsWith('Z_') === true || isTarSyntax(error)
      ? new ArchiveRefusedError(`the archive cannot be read: ${(error as Error).message}`, { cause: error })
      : error;
  });
  const writing = writeEntries(extract, target).catch((error: unknown) => {
    extract.destroy(error as Error);
    throw error;
  });
  const [written, read] = await Promise.allSettled([writing, reading]);
  if (read.status === 'rejected' && !isEarlyClose(read.reason)) throw read.reason;
  if (written.status === 'rejected') throw refusalOf(written.reason);
  if (read.status === 'rejected') throw read.reason;
  await target.finish();
}

async function writeEntries(extract: tar.Extract, target: UnpackTarget): Promise<void> {
  for await (const entry of extract) {
    const { name, type, linkname, mode } = entry.header;
    if (type === 'file' || type === 'contiguous-file') {
      await target.addFile(name, mode ?? 0o644, entry as AsyncIterable<Uint8Array>);
      continue;
    }
    if (type === 'directory') await target.addFolder(name, mode ?? 0o755);
    else if (type === 'symlink') await target.addSymlink(name, linkname ?? '');
    else if (type === 'link') await target.addHardLink(name, linkname ?? '');
    else throw new ArchiveRefusedError(`illegal entry: ${name} is a ${type}`);
    entry.resume();
  }
}

/** Where writing fails, reading ends early with an error of its own, which is not the cause. */
function isEarlyClose(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function isTarSyntax(error: unknown): boolean {
  return error instanceof Error && /Invalid tar header|Unexpected end of data/i.test(error.message);
}
