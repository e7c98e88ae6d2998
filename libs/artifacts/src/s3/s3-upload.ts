import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { TransientError } from '#libs/workflow-spec';

import type { SaveOptions } from '../contract.js';
import { type LentPart, PartBuffers } from '../part-buffers.js';
import { partBytesFor, partSizes } from '../parts.js';

import { discardLeftovers, discardParts, type UnfinishedUpload } from './s3-leftovers.js';
import type { S3CustomerKey, S3Encryption } from './s3-settings.js';

/** S3 wants parts of 5 MiB at least and allows 10,000 of them. Parts that are sent at a time are in memory. */
const DEFAULT_PART_BYTES = 8 * 1024 ** 2;
const MAX_PARTS = 10_000;
/** One part is filled while others are under way. */
const PARTS_AT_A_TIME = 2;
const PARTS_IN_MEMORY = PARTS_AT_A_TIME + 1;
/** How long what was said to be complete is waited for. */
const COMPLETION_LIMIT_MS = 600_000;
const COMPLETION_PAUSE_MS = 500;

export interface UploadRequest extends SaveOptions {
  bucket: string;
  key: string;
  body: Readable;
  encryption: S3Encryption | S3CustomerKey | undefined;
  /** Of one part, at least; three are in memory. Default 8 MiB. */
  partBytes?: number | undefined;
}

interface Part {
  PartNumber: number;
  ETag?: string;
  ChecksumCRC32?: string;
}

/** Saves one object, in parts where it is larger than one. After a failure or an abort neither object nor parts are left. */
export async function uploadObject(client: S3Client, request: UploadRequest): Promise<void> {
  const { bucket, key, body, metadata, signal, encryption, sizeBytes, partBytes = DEFAULT_PART_BYTES } = request;
  signal?.throwIfAborted();
  const target = { Bucket: bucket, Key: key };
  const about = { ...target, ...(metadata === undefined ? {} : { Metadata: metadata }), ...encryption };
  const onAbort = (): void => void body.destroy(new Error('the save was aborted'));
  signal?.addEventListener('abort', onAbort, { once: true });
  const parts = new PartBuffers(partSizes(partBytesFor(sizeBytes, partBytes), sizeBytes), PARTS_IN_MEMORY).partsOf(body);
  try {
    const first = await parts.next();
    if (first.done === true || first.value.isLast) {
      await client.send(
        new PutObjectCommand({ ...about, Body: first.done === true ? Buffer.alloc(0) : first.value.bytes }),
        sending(signal),
      );
      return;
    }
    const upload = new MultipartUpload(client, request);
    await upload.run(first.value, parts, about);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await parts.return(undefined);
  }
}

/**
 * One upload in parts. Begun → parts under way, at most two at a time → completed; from any of these, a failure discards it: what is
 * still under way is waited for first, as the store would take it for a new part.
 */
class MultipartUpload {
  private readonly sent: Part[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private failure: { error: unknown } | undefined;

  constructor(
    private readonly client: S3Client,
    private readonly request: UploadRequest,
  ) {}

  async run(first: LentPart, rest: AsyncGenerator<LentPart>, about: CreateMultipartUploadCommandInput): Promise<void> {
    const { bucket, key, signal } = this.request;
    const begin = new CreateMultipartUploadCommand({ ...about, ...(await checksumsOf(this.client)) });
    const { UploadId } = await this.client.send(begin, sending(signal));
    if (UploadId === undefined) throw new TransientError('object store: the upload has no id');
    const upload = { Bucket: bucket, Key: key, UploadId };
    try {
      await this.start(first, upload);
      for await (const part of rest) await this.start(part, upload);
      await Promise.all(this.underWay);
      this.assertWell();
      const Parts = this.sent.sort((one, other) => one.PartNumber - other.PartNumber);
      const complete = new CompleteMultipartUploadCommand({ ...upload, ...this.customerKey(), MultipartUpload: { Parts } });
      const { ETag, $metadata } = await this.client.send(complete, sending(signal));
      if (($metadata.attempts ?? 1) > 1) await this.untilMade(upload, ETag);
      await discardLeftovers(this.client, upload);
    } catch (error) {
      await Promise.all(this.underWay);
      await discardParts(this.client, upload);
      throw error;
    }
  }

  /**
   * A completion that was asked for again may be answered while the first one is still being done (versitygw says so at once; 5 GiB take it minutes on a
   * slow disk), and until then the object is missing, or still the old one.
   */
  private async untilMade({ Bucket, Key }: UnfinishedUpload, eTag: string | undefined): Promise<void> {
    const { signal } = this.request;
    const head = new HeadObjectCommand({ Bucket, Key, ...this.customerKey() });
    for (let waitedMs = 0; waitedMs < COMPLETION_LIMIT_MS; waitedMs += COMPLETION_PAUSE_MS) {
      const found = await this.client.send(head, sending(signal)).catch((error: unknown) => {
        if ((error as Error).name === 'NotFound') return undefined;
        throw error;
      });
      if (found !== undefined && found.ETag === eTag) return;
      await sleep(COMPLETION_PAUSE_MS, undefined, signal === undefined ? {} : { signal });
    }
    throw new TransientError(`object store: "${Key}" is said to be complete and is not there`);
  }

  /** Waits until there is room for another part and begins to send it; the next one is filled meanwhile. */
  private async start(part: LentPart, upload: UnfinishedUpload): Promise<void> {
    while (this.underWay.size >= PARTS_AT_A_TIME) await Promise.race(this.underWay);
    this.assertWell();
    if (part.number > MAX_PARTS)
      throw new Error(`the artifact has more than ${MAX_PARTS} parts: it is larger than the store can take`);
    const sent = this.send(part, upload).catch((error: unknown) => {
      this.failure ??= { error };
    });
    const settled = sent.finally(() => {
      part.release();
      this.underWay.delete(settled);
    });
    this.underWay.add(settled);
  }

  private async send({ number, bytes }: LentPart, upload: UnfinishedUpload): Promise<void> {
    const command = new UploadPartCommand({ ...upload, ...this.customerKey(), PartNumber: number, Body: bytes });
    const { ETag, ChecksumCRC32 } = await this.client.send(command, sending(this.request.signal));
    this.sent.push({
      PartNumber: number,
      ...(ETag === undefined ? {} : { ETag }),
      ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
    });
  }

  private assertWell(): void {
    if (this.failure !== undefined) throw this.failure.error;
    this.request.signal?.throwIfAborted();
  }

  private customerKey(): Partial<S3CustomerKey> {
    const { encryption } = this.request;
    return encryption !== undefined && 'SSECustomerKey' in encryption ? encryption : {};
  }
}

function sending(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** Where the SDK adds checksums to parts by itself, the upload has to be begun as one that has them. */
async function checksumsOf(client: S3Client): Promise<{ ChecksumAlgorithm?: 'CRC32' }> {
  return (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED' ? { ChecksumAlgorithm: 'CRC32' } : {};
}
