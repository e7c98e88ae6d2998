import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

import { TransientError } from '#libs/workflow-spec';

import type { SaveOptions } from '../contract.js';
import { textOf } from '../http/exchange.js';
import { partBytesFor, partsOf, partSizes } from '../parts.js';
import { xmlElements, xmlText } from '../xml-fields.js';

import type { OssClient } from './oss-client.js';

const METADATA_PREFIX = 'x-oss-meta-';

/** Saves one object, in parts where it is larger than one. After a failure or an abort neither object nor parts are left. */
export async function uploadToOss(client: OssClient, body: Readable, options: SaveOptions): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(options.metadata ?? {}).map(([name, value]) => [`${METADATA_PREFIX}${name}`, value]),
  );
  const parts = partsOf(body, partSizes(partBytesFor(options.sizeBytes), options.sizeBytes));
  const first = await parts.next();
  options.signal?.throwIfAborted();
  if (first.done === true || first.value.isLast) {
    const bytes = first.done === true ? Buffer.alloc(0) : first.value.bytes;
    await client.done({ method: 'PUT', headers: { 'content-type': 'application/octet-stream', ...headers }, body: bytes });
    return;
  }
  const uploadId = await begin(client, headers);
  try {
    const tags = [await sendPart(client, { uploadId, number: 1, bytes: first.value.bytes })];
    for await (const { bytes } of parts) {
      options.signal?.throwIfAborted();
      tags.push(await sendPart(client, { uploadId, number: tags.length + 1, bytes }));
    }
    options.signal?.throwIfAborted();
    await complete(client, uploadId, tags);
    await discardLeftovers(client);
  } catch (error) {
    await client.done({ method: 'DELETE', query: { uploadId } }).catch(() => undefined);
    throw error;
  }
}

/** What was given at save, out of the headers of an answer. */
export function ossMetadata(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(METADATA_PREFIX))
      .map(([name, value]) => [name.slice(METADATA_PREFIX.length), String(value)]),
  );
}

async function begin(client: OssClient, headers: Record<string, string>): Promise<string> {
  const answer = await client.send({ method: 'POST', query: { uploads: '' }, headers });
  const uploadId = xmlText(await textOf(answer), 'UploadId');
  if (uploadId === undefined) throw new TransientError('object store: the upload has no id');
  return uploadId;
}

async function sendPart(client: OssClient, part: { uploadId: string; number: number; bytes: Buffer }): Promise<string> {
  const digest = createHash('md5').update(part.bytes).digest('base64');
  const { headers } = await client.done({
    method: 'PUT',
    query: { partNumber: String(part.number), uploadId: part.uploadId },
    headers: { 'content-md5': digest },
    body: part.bytes,
  });
  if (headers.etag === undefined) throw new TransientError(`object store: part ${part.number} was answered without a tag`);
  return headers.etag;
}

async function complete(client: OssClient, uploadId: string, tags: readonly string[]): Promise<void> {
  const parts = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
  await client.done({
    method: 'POST',
    query: { uploadId },
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`),
  });
}

/**
 * Discards what earlier saves of this key left when they were killed; whoever still sends parts to one of these came second, and
 * repeats its save. An account that may not list uploads keeps them until the bucket's own rule removes them.
 */
async function discardLeftovers(client: OssClient): Promise<void> {
  const { key } = client.place;
  try {
    const page = await textOf(await client.send({ method: 'GET', about: 'bucket', query: { prefix: key, uploads: '' } }));
    for (const upload of xmlElements(page, 'Upload')) {
      const uploadId = xmlText(upload, 'UploadId');
      if (xmlText(upload, 'Key') === key && uploadId !== undefined) await client.done({ method: 'DELETE', query: { uploadId } });
    }
  } catch {
    // The object is saved, and the next save of the key tries again.
  }
}
