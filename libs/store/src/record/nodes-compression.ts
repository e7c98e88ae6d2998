import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

import { StoreCorruptError } from '../errors.js';

/** What packs the nodes of a record: the values of Argo's WORKFLOW_COMPRESSION_ALGORITHM. */
export const COMPRESSION_ALGORITHMS = ['gzip', 'zstd', 'brotli'] as const;
export type CompressionAlgorithm = (typeof COMPRESSION_ALGORITHMS)[number];

export interface NodesCompression {
  algorithm: CompressionAlgorithm;
  /** In the algorithm's own numbers; absent: gzip 6, zstd 3, brotli 6. */
  level?: number;
}

interface Levels {
  lowest: number;
  highest: number;
  byDefault: number;
}
/** -1 is Go's word for gzip's default. */
const LEVELS: Record<CompressionAlgorithm, Levels> = {
  gzip: { lowest: -1, highest: 9, byDefault: -1 },
  zstd: { lowest: 1, highest: 22, byDefault: 3 },
  brotli: { lowest: 0, highest: 11, byDefault: 6 },
};

/** zstd came to Node with 22.15. */
interface Zstd {
  zstdCompress?: (input: Buffer, options: object, done: (error: Error | null, output: Buffer) => void) => void;
  zstdDecompress?: (input: Buffer, done: (error: Error | null, output: Buffer) => void) => void;
  constants: { ZSTD_c_compressionLevel?: number };
}
const zstd = zlib as unknown as Zstd;
const NEEDS_NODE = 'needs Node 22.15 or later';

const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip);
const gunzip = promisify<zlib.InputType, Buffer>(zlib.gunzip);
const brotliCompress = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const brotliDecompress = promisify<zlib.InputType, Buffer>(zlib.brotliDecompress);

/** Why nodes cannot be compressed like this by this Node, as half a sentence for a configuration error; undefined: they can. */
export function compressionProblem({ algorithm, level }: NodesCompression): { level: boolean; problem: string } | undefined {
  if (algorithm === 'zstd' && zstd.zstdCompress === undefined)
    return { level: false, problem: `zstd ${NEEDS_NODE}, this is ${process.versions.node}` };
  const { lowest, highest } = LEVELS[algorithm];
  if (level === undefined || (Number.isInteger(level) && level >= lowest && level <= highest)) return undefined;
  return { level: true, problem: `must be a whole number from ${lowest} to ${highest} for ${algorithm}` };
}

/** Packs text in UTF-8. Throws StoreCorruptError for an algorithm that this Node does not have; see compressionProblem. */
export async function compressText(text: string, { algorithm, level }: NodesCompression): Promise<Buffer> {
  const bytes = Buffer.from(text);
  const quality = level ?? LEVELS[algorithm].byDefault;
  switch (algorithm) {
    case 'gzip':
      return gzip(bytes, { level: quality });
    case 'brotli': {
      const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
      return brotliCompress(bytes, { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.length } });
    }
    case 'zstd': {
      const { zstdCompress, constants } = zstd;
      if (zstdCompress === undefined || constants.ZSTD_c_compressionLevel === undefined)
        throw new StoreCorruptError(`zstd ${NEEDS_NODE}`);
      const params = { [constants.ZSTD_c_compressionLevel]: quality };
      return promisify<Buffer, object, Buffer>(zstdCompress)(bytes, { params });
    }
  }
}

/** Unpacks what any of the algorithms made, told apart by their first bytes as Argo does. Throws StoreCorruptError for zstd on an older Node. */
export async function decompressBytes(bytes: Buffer): Promise<Buffer> {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes);
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x28b52ffd) return brotliDecompress(bytes);
  if (zstd.zstdDecompress === undefined) throw new StoreCorruptError(`nodes compressed with zstd: ${NEEDS_NODE}`);
  return promisify<Buffer, Buffer>(zstd.zstdDecompress)(bytes);
}
