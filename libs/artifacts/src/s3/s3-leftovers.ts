import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, ListPartsCommand, type S3Client } from '@aws-sdk/client-s3';

import { TransientError } from '#libs/workflow-spec';

/** A part that was under way when the upload was aborted may arrive after it; S3 asks to abort again until none is listed. */
const ABORT_ROUNDS = 5;

/** One upload in parts that is not complete. */
export interface UnfinishedUpload {
  Bucket: string;
  Key: string;
  UploadId: string;
}

/** Where even this fails, the store is away: the caller's save is repeated, and discards what is left when it is complete. */
export async function discardParts(client: S3Client, upload: UnfinishedUpload): Promise<void> {
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

/**
 * Discards what earlier saves of this key left when they were killed. To be called when a save is complete: whoever still sends parts to one of
 * these came second, and repeats its save. A store that does not let uploads be listed keeps them until its own rule removes them.
 */
export async function discardLeftovers(client: S3Client, { Bucket, Key }: { Bucket: string; Key: string }): Promise<void> {
  try {
    const { Uploads: left = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
    for (const { Key: key, UploadId } of left)
      if (key === Key && UploadId !== undefined) await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  } catch {
    // The object is saved, and the next save of the key tries again.
  }
}
