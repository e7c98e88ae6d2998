import { setImmediate as yieldToOthers } from 'node:timers/promises';

import { type NodeStatus, type Workflow } from '#libs/workflow-spec';

import { StoreCorruptError } from '../errors.js';
import { compressText, decompressBytes, type NodesCompression } from './nodes-compression.js';

/**
 * How the nodes of a record are kept: in `status.nodes`, in `status.compressedNodes`, in a row of `argo_workflows`, or, where they are
 * too large and may not be offloaded, not at all.
 */
export type RecordEncoding = 'inline' | 'compressed' | 'offloaded' | 'omitted';

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
  /** Argo's ALWAYS_OFFLOAD_NODE_STATUS; without effect where offloading is off. */
  alwaysOffload?: boolean;
  /** Argo's `nodeStatusOffLoad`; default true. */
  offload?: boolean;
  /** Default gzip. */
  compression?: NodesCompression;
}

type Nodes = Record<string, NodeStatus>;

/** Nodes turned to text before others get a turn; keeps the event loop below its 50 ms. */
const NODES_PER_TURN = 500;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const HASH_BYTES_PER_TURN = 4_000_000;

/** Condition of a record whose nodes are left out; the workflow itself is whole, and the API shows it so. */
const NODES_OMITTED = 'NodesOmitted';

/**
 * The public record of a workflow within a size: whole, else with packed and base64-coded nodes, else with its nodes in a row of their
 * own (Argo v4.1 `workflow/packer` and `persist/sqldb`). Where they may not be offloaded they are left out and a condition says so:
 * Argo ends such a workflow with an error, here only its record is poorer. Where it does not even fit without nodes it is written all
 * the same: our tables have no such limit.
 */
export async function encodeRecord(workflow: Workflow, options: EncodeOptions): Promise<EncodedRecord> {
  const { maxSizeBytes, alwaysOffload = false, offload = true, compression = { algorithm: 'gzip' } } = options;
  const { nodes, ...status } = workflow.status ?? {};
  const bare = { ...workflow, status };
  const bareText = JSON.stringify(bare);
  if (!nodes || Object.keys(nodes).length === 0) return { encoding: 'inline', body: bareText };
  const nodesText = await nodesToText(nodes);
  if (alwaysOffload && offload) return offloaded(bare, nodesText);
  const wholeBytes = Buffer.byteLength(bareText) + Buffer.byteLength(nodesText);
  if (wholeBytes <= maxSizeBytes) return { encoding: 'inline', body: withNodes(bare, nodesText) };
  const compressedNodes = (await compressText(nodesText, compression)).toString('base64');
  const body = JSON.stringify({ ...bare, status: { ...status, compressedNodes } });
  if (Buffer.byteLength(body) <= maxSizeBytes) return { encoding: 'compressed', body };
  return offload ? offloaded(bare, nodesText) : omitted(bare, { wholeBytes, packedBytes: Buffer.byteLength(body), maxSizeBytes });
}

function omitted(bare: Workflow, sizes: { wholeBytes: number; packedBytes: number; maxSizeBytes: number }): EncodedRecord {
  const message =
    `the nodes are left out of this record: with them it has ${sizes.wholeBytes} bytes, compressed ${sizes.packedBytes}, ` +
    `more than the ${sizes.maxSizeBytes} of MAX_WORKFLOW_SIZE, and persistence.nodeStatusOffLoad is off`;
  const conditions = [...(bare.status?.conditions ?? []), { type: NODES_OMITTED, status: 'True' as const, message }];
  return { encoding: 'omitted', body: JSON.stringify({ ...bare, status: { ...bare.status, conditions } }) };
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

/** Reads what Argo writes: base64 of gzip, zstd or brotli. Throws StoreCorruptError where it is none of them. */
export async function decompressNodes(compressedNodes: string): Promise<Nodes> {
  const bytes = Buffer.from(compressedNodes, 'base64');
  try {
    return JSON.parse((await decompressBytes(bytes)).toString('utf8')) as Nodes;
  } catch (cause) {
    if (cause instanceof StoreCorruptError) throw cause;
    throw new StoreCorruptError('compressed nodes cannot be read', { cause });
  }
}
