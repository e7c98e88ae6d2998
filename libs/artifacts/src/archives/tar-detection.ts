import { constants, gunzipSync } from 'node:zlib';
import { Readable } from 'node:stream';

const TAR_BLOCK_BYTES = 512;
const CHECKSUM_START = 148;
const CHECKSUM_END = 156;
/** Enough packed bytes for one tar header behind any usual gzip header. */
const PREFIX_BYTES = 4096;

/**
 * Reads the first bytes and says whether they are those of a gzipped tar: gzip's magic, and inside it a tar header with a
 * valid checksum (Argo v4.1 `isTarball`; zip files and plain tars are deliberately not recognised, as there). The returned
 * stream begins at the first byte again.
 */
export async function detectTarGz(body: Readable): Promise<{ isTarGz: boolean; body: Readable }> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const chunks: Buffer[] = [];
  let length = 0;
  let ended = false;
  while (length < PREFIX_BYTES && !ended) {
    const next = await iterator.next();
    ended = next.done === true;
    if (next.done !== true) {
      chunks.push(next.value);
      length += next.value.length;
    }
  }
  const prefix = Buffer.concat(chunks);
  return {
    isTarGz: looksLikeTarGz(prefix.subarray(0, PREFIX_BYTES)),
    body: Readable.from(replay(prefix, iterator, body), { objectMode: false }),
  };
}

async function* replay(prefix: Buffer, rest: AsyncIterator<Buffer>, source: Readable): AsyncGenerator<Buffer> {
  try {
    if (prefix.length > 0) yield prefix;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    source.destroy();
  }
}

function looksLikeTarGz(prefix: Buffer): boolean {
  if (prefix[0] !== 0x1f || prefix[1] !== 0x8b) return false;
  try {
    return isTarHeader(gunzipSync(prefix, { finishFlush: constants.Z_SYNC_FLUSH }));
  } catch {
    return false;
  }
}

function isTarHeader(block: Buffer): boolean {
  if (block.length < TAR_BLOCK_BYTES) return false;
  let sum = 0;
  for (let index = 0; index < TAR_BLOCK_BYTES; index += 1) {
    sum += index >= CHECKSUM_START && index < CHECKSUM_END ? 0x20 : (block[index] ?? 0);
  }
  const stated = Number.parseInt(block.toString('latin1', CHECKSUM_START, CHECKSUM_END).replace(/\0.*$/s, '').trim(), 8);
  return stated === sum;
}
