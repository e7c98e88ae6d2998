import type { Readable } from 'node:stream';

import { AbortMultipartUploadCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';

import { TransientError } from '#libs/workflow-spec';

import type { SaveOptions } from '../contract.js';

import type { S3CustomerKey, S3Encryption } from './s3-settings.js';

/** Two parts of this size are held at a time; S3 allows 10,000 parts, so objects of unknown size may reach 78 GiB. */
const PART_BYTES = 8 * 1024 ** 2;
const PARTS_AT_A_TIME = 2;
const MAX_PARTS = 10_000;
/** A part that was under way when the upload was aborted may arrive after it; S3 asks to abort again until none is listed. */
const ABORT_ROUNDS = 5;

export interface UploadRequest extends SaveOptions {
  bucket: string;
  key: string;
  body: Readable;
  encryption: S3Encryption | S3CustomerKey | undefined;
}

/** Saves one object, in parts where it is larger than one. After a failure or an abort neither object nor parts are left. */
export async function uploadObject(client: S3Client, request: UploadRequest): Promise<void> {
  const { bucket, key, body, metadata, signal, encryption, sizeBytes } = request;
  signal?.throwIfAborted();
  const upload = new Upload({
    client,
    queueSize: PARTS_AT_A_TIME,
    partSize: partSizeFor(sizeBytes),
    params: { Bucket: bucket, Key: key, Body: body, ...(metadata === undefined ? {} : { Metadata: metadata }), ...encryption },
  });
  const onAbort = (): void => {
    body.destroy(new Error('the save was aborted'));
    void upload.abort();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await upload.done();
  } catch (error) {
    if (upload.uploadId !== undefined) await discardParts(client, { Bucket: bucket, Key: key, UploadId: upload.uploadId });
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

function partSizeFor(sizeBytes: number | undefined): number {
  return sizeBytes === undefined ? PART_BYTES : Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS));
}

/** Where even this fails, the store is away: the caller's save is repeated, and a bucket's lifecycle rule removes what is left. */
async function discardParts(client: S3Client, upload: { Bucket: string; Key: string; UploadId: string }): Promise<void> {
  for (let round = 0; round < ABORT_ROUNDS; round += 1) {
    try {
      await client.send(new AbortMultipartUploadCommand(upload));
      const { Parts: left = [] } = await client.send(new ListPartsCommand(upload));
      if (left.length === 0) return;
    } catch (error) {
      if ((error as Error).name === 'NoSuchUpload') return;
      if (round === ABORT_ROUNDS - 1)
        throw new TransientError(`object store: parts of "${upload.Key}" could not be discarded`, { cause: error });
    }
  }
}
