import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { ZipFile as ZipWriter } from 'yazl';

import { ArchiveRefusedError } from '../errors.js';

import { ArchiveMeter, type ArchiveLimits } from './limits.js';
import { openSource, sourceTree, type SourceEntry } from './source-tree.js';
import { refusalOf, UnpackTarget } from './unpack-target.js';

declare module 'yazl' {
  interface ZipFile {
    /** Since yazl 3: the stream is asked for when its turn has come. */
    addReadStreamLazy(name: string, options: object, open: (give: (error: Error | null, stream: Readable) => void) => void): void;
  }
}

const FILE_TYPE_MASK = 0o170000;
const SYMLINK_TYPE = 0o120000;
const REGULAR_TYPE = 0o100000;
const FOLDER_TYPE = 0o040000;
const MAX_LINK_BYTES = 4096;

/** A zip of the file or folder, produced while it is read. Modes, links and empty folders are kept (Argo's own zip drops them). */
export function packZip(source: { hostPath: string; entryName: string }): Readable {
  return Readable.from(zipBytes(source), { objectMode: false });
}

/** The file that is read at this moment, to be closed where nobody wants the rest. */
interface OpenFile {
  stream: Readable | undefined;
}
interface ZipOutput {
  output: Readable;
  reading: OpenFile;
}

/** A generator, so that nothing is opened and no error can arise before somebody reads. */
async function* zipBytes(source: { hostPath: string; entryName: string }): AsyncGenerator<Buffer> {
  const zip = new ZipWriter();
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) => output.destroy(error));
  const reading: OpenFile = { stream: undefined };
  const adding = addEntries(zip, source, { output, reading }).catch((error: Error) => output.destroy(error));
  try {
    yield* output as AsyncIterable<Buffer>;
  } finally {
    output.destroy();
    reading.stream?.destroy();
    await adding;
  }
}

async function addEntries(zip: ZipWriter, source: { hostPath: string; entryName: string }, to: ZipOutput): Promise<void> {
  for await (const entry of sourceTree(source.hostPath, source.entryName)) addEntry(zip, entry, to);
  zip.end();
}

/** Only names are queued; each file is opened when the one before it has been read. */
function addEntry(zip: ZipWriter, entry: SourceEntry, { output, reading }: ZipOutput): void {
  const options = { mode: entry.stats.mode & 0o177777, mtime: entry.stats.mtime };
  if (entry.type === 'folder') return zip.addEmptyDirectory(entry.name, options);
  if (entry.type === 'symlink') return zip.addBuffer(Buffer.from(entry.target), entry.name, { ...options, compress: false });
  zip.addReadStreamLazy(entry.name, options, (opened) => {
    openSource(entry.hostPath, entry.stats.size).then(
      (stream) => {
        reading.stream = stream;
        opened(null, stream);
      },
      (error: Error) => output.destroy(error),
    );
  });
}

/**
 * Unpacks a zip into an existing, empty folder (its real path). A zip has its index at the end, so it is spooled to `spoolFile`
 * first, which is removed again.
 */
export async function unpackZip(
  body: Readable,
  folder: string,
  options: { limits: ArchiveLimits; spoolFile: string },
): Promise<void> {
  try {
    const meter = new ArchiveMeter(options.limits);
    const spool = createWriteStream(options.spoolFile, { flags: 'w', mode: 0o600 });
    await pipeline(body, spool);
    meter.addPacked(spool.bytesWritten);
    await unpackFile(options.spoolFile, new UnpackTarget(folder, meter));
  } catch (error) {
    if (!isZipSyntax(error)) throw refusalOf(error);
    throw new ArchiveRefusedError(`the archive cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    await rm(options.spoolFile, { force: true });
  }
}

async function unpackFile(file: string, target: UnpackTarget): Promise<void> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    yauzl.open(file, { lazyEntries: true, autoClose: false, strictFileNames: true }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  });
  try {
    for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip))
      await writeEntry(zip, entry, target);
    await target.finish();
  } finally {
    zip.close();
  }
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      zip.off('entry', onEntry).off('end', onEnd).off('error', onError);
    };
    const onEntry = (entry: Entry): void => (settle(), resolve(entry));
    const onEnd = (): void => (settle(), resolve(undefined));
    const onError = (error: Error): void => (settle(), reject(error));
    zip.on('entry', onEntry).on('end', onEnd).on('error', onError);
    zip.readEntry();
  });
}

async function writeEntry(zip: ZipFile, entry: Entry, target: UnpackTarget): Promise<void> {
  const attributes = entry.externalFileAttributes >>> 16;
  const type = attributes & FILE_TYPE_MASK;
  if (entry.fileName.endsWith('/') || type === FOLDER_TYPE) {
    await target.addFolder(entry.fileName, attributes === 0 ? 0o755 : attributes);
    return;
  }
  if (type !== 0 && type !== REGULAR_TYPE && type !== SYMLINK_TYPE)
    throw new ArchiveRefusedError(`illegal entry: ${entry.fileName} is a device`);
  if (type === SYMLINK_TYPE && entry.uncompressedSize > MAX_LINK_BYTES)
    throw new ArchiveRefusedError(`illegal symlink target: ${entry.fileName}`);
  const body = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
  if (type === SYMLINK_TYPE) await target.addSymlink(entry.fileName, (await buffer(body)).toString());
  else await target.addFile(entry.fileName, attributes === 0 ? 0o644 : attributes, body);
}

/** yauzl has no error codes: anything that is neither ours nor the system's is about the file's content. */
function isZipSyntax(error: unknown): boolean {
  return (
    error instanceof Error &&
    !(error instanceof ArchiveRefusedError) &&
    (error as NodeJS.ErrnoException).syscall === undefined &&
    error.constructor === Error
  );
}
