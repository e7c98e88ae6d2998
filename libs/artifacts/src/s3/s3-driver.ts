import type { Readable } from 'node:stream';

import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';

import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, PresignedRequest, PresignOrder, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactKeyError } from '../errors.js';
import { blockAt, type SecretScope } from '../secrets/secret-fields.js';
import { wholeBody } from '../whole-body.js';

import type { S3ClientPool } from './s3-client-pool.js';
import { deleteKeys } from './s3-delete-many.js';
import { classifyS3Error, isMissingBucket } from './s3-errors.js';
import { S3PartUploads } from './s3-part-uploads.js';
import { presignObject } from './s3-presign.js';
import { s3CustomerKey, type S3CustomerKey, s3Encryption, s3Place, s3Settings } from './s3-settings.js';
import { uploadObject } from './s3-upload.js';

const MAX_KEY_BYTES = 1024;
/** The one region that S3 does not want to be named when a bucket is made. */
const DEFAULT_REGION = 'us-east-1';

interface Connection {
  client: S3Client;
  bucket: string;
  key: string;
  /** Goes with every request about the object's content. */
  customerKey: S3CustomerKey | undefined;
}

/** Objects of an S3-compatible store. One instance reads Secrets of one namespace; connections are shared through the pool. */
export class S3ArtifactDriver implements ArtifactDriver {
  readonly kind = 's3';

  constructor(
    private readonly pool: S3ClientPool,
    private readonly scope: SecretScope,
  ) {}

  readonly partUploads = new S3PartUploads((location) => this.opened(location), guarded);

  async presign(location: ArtifactLocation, order: PresignOrder): Promise<PresignedRequest | undefined> {
    const object = order.operation === 'save' ? await this.opened(location) : await this.connect(location);
    return guarded(object.key, () => presignObject(location, object, order));
  }

  async deleteMany(locations: readonly ArtifactLocation[]): Promise<Map<number, unknown>> {
    const [first] = locations;
    if (first === undefined) return new Map();
    const { client, bucket } = await this.connect(first);
    return deleteKeys(
      client,
      bucket,
      locations.map((location) => s3Place(location).key),
    );
  }

  async load(location: ArtifactLocation): Promise<Readable> {
    const { client, bucket, key, customerKey } = await this.connect(location);
    const answer = await guarded(key, () => client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...customerKey })));
    const body = answer.Body as Readable | undefined;
    if (body === undefined) throw new TransientError('object store: the answer has no body');
    return wholeBody(body, answer.ContentLength, key);
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    try {
      const { client, bucket, key, customerKey } = await this.opened(location);
      const encryption = s3Encryption(location) ?? customerKey;
      await guarded(key, () =>
        uploadObject(client, { bucket, key, body, encryption, partBytes: this.pool.partBytes, ...options }),
      );
    } finally {
      body.destroy();
    }
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    const { client, bucket, key } = await this.connect(location, true);
    const isFolder = key === '' || key.endsWith('/');
    const exact = isFolder ? undefined : await this.head(location);
    if (exact !== undefined) yield { key, sizeBytes: exact.sizeBytes };
    const prefix = isFolder ? key : `${key}/`;
    let token: string | undefined;
    do {
      const page = await guarded(key, () =>
        client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const object of page.Contents ?? []) {
        if (object.Key !== undefined) yield { key: object.Key, sizeBytes: object.Size ?? 0 };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async delete(location: ArtifactLocation): Promise<void> {
    const { client, bucket, key } = await this.connect(location);
    try {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    } catch (error) {
      if (!isMissingObject(error)) throw classifyS3Error(error, key);
    }
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    const { client, bucket, key, customerKey } = await this.connect(location);
    try {
      const answer = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...customerKey }));
      return { sizeBytes: answer.ContentLength ?? 0, metadata: answer.Metadata ?? {} };
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw classifyS3Error(error, key);
    }
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    const { client, bucket, key } = await this.connect(location);
    const prefix = key.endsWith('/') ? key : `${key}/`;
    const page = await guarded(key, () => client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: 1 })));
    return (page.Contents ?? []).length > 0;
  }

  /** For saving: the key is one that can be, and the bucket is made where that is asked for. */
  private async opened(location: ArtifactLocation): Promise<Connection> {
    const connection = await this.connect(location);
    const { client, bucket, key } = connection;
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new ArtifactKeyError(key, `it is longer than ${MAX_KEY_BYTES} bytes`);
    if (isAsked(location.s3?.['createBucketIfNotPresent'])) await guarded(key, () => ensureBucket(client, location, bucket));
    return connection;
  }

  private async connect(location: ArtifactLocation, wholeStore = false): Promise<Connection> {
    const place = s3Place(location, wholeStore);
    const settings = await s3Settings(location, this.scope);
    return { client: this.pool.clientFor(settings), ...place, customerKey: await s3CustomerKey(location, this.scope) };
  }
}

async function guarded<T>(key: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw classifyS3Error(error, key);
  }
}

async function ensureBucket(client: S3Client, location: ArtifactLocation, bucket: string): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!isMissingBucket(error)) throw error;
    const region = await client.config.region();
    const command = new CreateBucketCommand({
      Bucket: bucket,
      ...(blockAt(location.s3 ?? {}, 'createBucketIfNotPresent')['objectLocking'] === true
        ? { ObjectLockEnabledForBucket: true }
        : {}),
      ...(region === DEFAULT_REGION
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }),
    });
    await client.send(command).catch((creation: Error) => {
      if (creation.name !== 'BucketAlreadyOwnedByYou') throw creation;
    });
  }
}

function isAsked(block: unknown): boolean {
  return block !== undefined && block !== null;
}

function isMissingObject(error: unknown): boolean {
  const { name } = error as Error;
  return name === 'NoSuchKey' || name === 'NotFound';
}
