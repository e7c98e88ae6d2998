import type { S3Client } from '@aws-sdk/client-s3';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { PresignedRequest, PresignOrder } from '../contract.js';
import { isSet } from '../secrets/secret-fields.js';

import { type S3Encryption, s3Encryption } from './s3-settings.js';
import { signedUrl, uriEncoded } from './s3-sigv4.js';

/** S3 refuses longer lives. */
const LONGEST_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** An object of a bucket, and the client whose keys sign. */
export interface S3Object {
  client: S3Client;
  bucket: string;
  key: string;
}

interface RequestSigning {
  method: 'GET' | 'PUT';
  headers?: Record<string, string>;
  query?: Record<string, string>;
  nowMs: number;
  expiresInMs: number;
}

/**
 * Whether a request for this location can be lent: not where the object's own key (SSE-C) or a private authority's certificate would
 * have to be lent too, nor where the key has segments that every URL parser takes away.
 */
export function canBeLent(location: ArtifactLocation): boolean {
  const { key, caSecret, encryptionOptions } = location.s3 ?? {};
  const options = (encryptionOptions ?? {}) as Record<string, never>;
  const segments = String(key).split('/');
  return (
    !isSet(caSecret) && !isSet(options['serverSideCustomerKeySecret']) && !segments.includes('.') && !segments.includes('..')
  );
}

/** GET or PUT of a whole object; undefined where the location cannot be lent. A save carries metadata and encryption as signed headers. */
export async function presignObject(
  location: ArtifactLocation,
  object: S3Object,
  order: PresignOrder,
): Promise<PresignedRequest | undefined> {
  if (!canBeLent(location)) return undefined;
  if (order.operation === 'load') return presigned(object, { method: 'GET', ...order });
  const headers = { ...metadataHeaders(order.metadata), ...encryptionHeaders(s3Encryption(location)) };
  return presigned(object, { method: 'PUT', headers, ...order });
}

/** One signed request on the object, with the keys that the client has now (those of a role are renewed by it). */
export async function presigned(object: S3Object, signing: RequestSigning): Promise<PresignedRequest> {
  const { client, bucket, key } = object;
  const { method, headers = {}, query = {}, nowMs, expiresInMs } = signing;
  const [keys, region] = await Promise.all([client.config.credentials(), client.config.region()]);
  const lifeMs = Math.min(LONGEST_LIFE_MS, expiresInMs, keys.expiration === undefined ? Infinity : +keys.expiration - nowMs);
  const url = signedUrl({
    ...{ method, url: await objectUrl(client, bucket, key), query, headers, keys, region, nowMs },
    expiresInSeconds: Math.max(1, Math.floor(lifeMs / 1000)),
  });
  return { method, url, headers };
}

/** The SDK's own rules say where a bucket is. */
async function objectUrl(client: S3Client, bucket: string, key: string): Promise<URL> {
  const { config } = client;
  const own = config.endpoint === undefined ? undefined : await config.endpoint();
  const port = own?.port === undefined ? '' : `:${own.port}`;
  const place = config.endpointProvider({
    Bucket: bucket,
    Region: await config.region(),
    ForcePathStyle: config.forcePathStyle === true,
    UseFIPS: false,
    UseDualStack: false,
    ...(own === undefined ? {} : { Endpoint: `${own.protocol}//${own.hostname}${port}${own.path}` }),
  });
  const base = place.url.href.replace(/\/$/, '');
  return new URL(`${base}/${key.split('/').map(uriEncoded).join('/')}`);
}

const metadataHeaders = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]));

const encryptionHeaders = (encryption: S3Encryption | undefined): Record<string, string> =>
  encryption === undefined
    ? {}
    : {
        'x-amz-server-side-encryption': encryption.ServerSideEncryption,
        ...(encryption.SSEKMSKeyId === undefined
          ? {}
          : { 'x-amz-server-side-encryption-aws-kms-key-id': encryption.SSEKMSKeyId }),
        ...(encryption.SSEKMSEncryptionContext === undefined
          ? {}
          : { 'x-amz-server-side-encryption-context': encryption.SSEKMSEncryptionContext }),
      };
