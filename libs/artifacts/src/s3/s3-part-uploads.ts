import { AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { PartUploads, PresignedPart } from '../contract.js';

import { partBytesFor } from '../parts.js';

import { canBeLent, presigned, type S3Object } from './s3-presign.js';
import { s3Encryption } from './s3-settings.js';

/** Uploads of an S3 store whose parts somebody else sends. `open` gives the object of a location; `guard` names its errors. */
export class S3PartUploads implements PartUploads {
  constructor(
    private readonly open: (location: ArtifactLocation) => Promise<S3Object>,
    private readonly guard: <T>(key: string, action: () => Promise<T>) => Promise<T>,
  ) {}

  async begin(location: ArtifactLocation, { metadata, sizeBytes, partBytes }: Parameters<PartUploads['begin']>[1]) {
    if (!canBeLent(location)) return undefined;
    const { client, bucket, key } = await this.open(location);
    const order = { Bucket: bucket, Key: key, Metadata: metadata, ...s3Encryption(location) };
    const { UploadId } = await this.guard(key, () => client.send(new CreateMultipartUploadCommand(order)));
    return UploadId === undefined ? undefined : { uploadId: UploadId, partBytes: partBytesFor(sizeBytes, partBytes) };
  }

  async presignParts(
    location: ArtifactLocation,
    order: { uploadId: string; first: number; count: number; nowMs: number; expiresInMs: number },
  ): Promise<PresignedPart[]> {
    const { uploadId, first, count, nowMs, expiresInMs } = order;
    const object = await this.open(location);
    const numbers = Array.from({ length: count }, (_unused, index) => first + index);
    return Promise.all(
      numbers.map(async (number) => {
        const query = { partNumber: String(number), uploadId };
        return { number, ...(await presigned(object, { method: 'PUT', query, nowMs, expiresInMs })) };
      }),
    );
  }

  async complete(location: ArtifactLocation, order: { uploadId: string; parts: readonly { number: number; etag: string }[] }) {
    const { client, bucket, key } = await this.open(location);
    const parts = order.parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    await this.guard(key, () =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key: key,
          UploadId: order.uploadId,
          MultipartUpload: { Parts: parts },
        }),
      ),
    );
  }

  async abort(location: ArtifactLocation, { uploadId }: { uploadId: string }): Promise<void> {
    const { client, bucket, key } = await this.open(location);
    await this.guard(key, () => client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId })));
  }
}
