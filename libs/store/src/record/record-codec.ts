import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

import { type NodeStatus, type Workflow } from '#libs/workflow-spec';

import { StoreCorruptError } from '../errors.js';

/** How the nodes of a record are kept: in `status.nodes`, in `status.compressedNodes`, or in a row of `argo_workflows`. */
export type RecordEncoding = 'inline' | 'compressed' | 'offloaded';

export interface EncodedRecord {
  encoding: RecordEncoding;
  /** The object as JSON text. */
  body: string;
  /** Present where offloaded: the row to write, `version` also stands in the body. */
  offload?: { version: string; nodes: string };
}

export interface EncodeOptions {
  /** The largest body in bytes; Argo's MAX_WORKFLOW_SIZE, 1048576. */
  maxSizeBytes: number;
  /** Argo's ALWAYS_OFFLOAD_NODE_STATUS. */
  alwaysOffload?: boolean;
}

type Nodes = Record<string, NodeStatus>;

const gzip = promisify(zlib.gzip);
const gunzip = promisify(zlib.gunzip);
const brotliDecompress = promisify(zlib.brotliDecompress);

/** Nodes turned to text before others get a turn; keeps the event loop below its 50 ms. */
const NODES_PER_TURN = 500;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const HASH_BYTES_PER_TURN = 4_000_000;

/**
 * The public record of a workflow within a size: whole, else with gzipped and base64-coded nodes, else with its nodes in a row of their
 * own (Argo v4.1 `workflow/packer` and `persist/sqldb`). Where it does not even fit without nodes it is written all the same: our
 * tables have no such limit.
 */
export async function encodeRecord(workflow: Workflow, options: EncodeOptions): Promise<EncodedRecord> {
  const { nodes, ...status } = workflow.status ?? {};
  const bare = { ...workflow, status };
  const bareText = JSON.stringify(bare);
  if (!nodes || Object.keys(nodes).length === 0) return { encoding: 'inline', body: bareText };
  const nodesText = await nodesToText(nodes);
  if (options.alwaysOffload) return offloaded(bare, nodesText);
  if (Buffer.byteLength(bareText) + Buffer.byteLength(nodesText) <= options.maxSizeBytes) {
    return { encoding: 'inline', body: withNodes(bare, nodesText) };
  }
  const compressedNodes = (await gzip(nodesText)).toString('base64');
  const body = JSON.stringify({ ...bare, status: { ...status, compressedNodes } });
  return Buffer.byteLength(body) <= options.maxSizeBytes ? { encoding: 'compressed', body } : offloaded(bare, nodesText);
}

/** Puts the nodes' text into the text of the object, so that a large map is turned to text only once. */
function withNodes(workflow: Workflow, nodesText: string): string {
  const { status, ...rest } = workflow;
  const statusText = JSON.stringify(status ?? {});
  return `${JSON.stringify(rest).slice(0, -1)},"status":{"nodes":${nodesText}${statusText === '{}' ? '' : ','}${statusText.slice(1)}}`;
}

async function offloaded(bare: Workflow, nodes: string): Promise<EncodedRecord> {
  const version = await offloadVersion(nodes);
  const body = JSON.stringify({ ...bare, status: { ...bare.status, offloadNodeStatusVersion: version } });
  return { encoding: 'offloaded', body, offload: { version, nodes } };
}

/** Keys sorted and HTML characters escaped, as Go's encoder writes a map. */
async function nodesToText(nodes: Nodes): Promise<string> {
  const parts: string[] = [];
  for (const [index, id] of Object.keys(nodes).sort().entries()) {
    if (index > 0 && index % NODES_PER_TURN === 0) await yieldToOthers();
    parts.push(`${JSON.stringify(id)}:${JSON.stringify(nodes[id])}`);
  }
  return `{${parts.join(',')}}`.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `fnv:` and the 32-bit FNV-1 hash of the text in UTF-8, in decimal (Argo v4.1 `nodeStatusVersion`). */
export async function offloadVersion(nodesText: string): Promise<string> {
  const bytes = Buffer.from(nodesText);
  let hash = FNV_OFFSET;
  for (let start = 0; start < bytes.length; start += HASH_BYTES_PER_TURN) {
    if (start > 0) await yieldToOthers();
    for (const byte of bytes.subarray(start, start + HASH_BYTES_PER_TURN)) hash = Math.imul(hash, FNV_PRIME) ^ byte;
  }
  return `fnv:${hash >>> 0}`;
}

/**
 * A record with its nodes in `status.nodes`, wherever they were kept. `readOffloaded` reads the row of `argo_workflows`.
 * Throws StoreCorruptError where they are missing or cannot be read.
 */
export async function hydrateRecord(
  record: Workflow,
  readOffloaded: (version: string) => Promise<Nodes | undefined>,
): Promise<Workflow> {
  const { compressedNodes, offloadNodeStatusVersion, ...status } = record.status ?? {};
  if (offloadNodeStatusVersion) {
    const nodes = await readOffloaded(offloadNodeStatusVersion);
    if (!nodes)
      throw new StoreCorruptError(
        `the offloaded nodes ${offloadNodeStatusVersion} of workflow ${record.metadata.name ?? ''} are missing`,
      );
    return { ...record, status: { ...status, nodes } };
  }
  if (compressedNodes) return { ...record, status: { ...status, nodes: await decompressNodes(compressedNodes) } };
  return record;
}

/** Reads what Argo writes: base64 of gzip, zstd or brotli, told apart by their first bytes. */
export async function decompressNodes(compressedNodes: string): Promise<Nodes> {
  const bytes = Buffer.from(compressedNodes, 'base64');
  try {
    return JSON.parse((await decompress(bytes)).toString('utf8')) as Nodes;
  } catch (cause) {
    if (cause instanceof StoreCorruptError) throw cause;
    throw new StoreCorruptError('compressed nodes cannot be read', { cause });
  }
}

async function decompress(bytes: Buffer): Promise<Buffer> {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzip(bytes);
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== 0x28b52ffd) return brotliDecompress(bytes);
  // zstd came to Node with 22.15.
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (input: Buffer) => Buffer };
  if (!zstdDecompressSync) throw new StoreCorruptError('nodes compressed with zstd need Node 22.15 or later to be read');
  return zstdDecompressSync(bytes);
}
