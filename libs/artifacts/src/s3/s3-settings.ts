import { createHash } from 'node:crypto';

import type { ArtifactLocation, JsonValue } from '#libs/workflow-spec';

import { ArtifactLocationError } from '../errors.js';
import { type Block, blockAt, isSet, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';

/** A key pair, and the token that belongs to it where it was lent for a time. */
export interface S3KeyPair {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Keys of a role; the SDK asks for others shortly before `expiration`. */
export type LentKeys = S3KeyPair & { expiration?: Date };

/** An `s3` block with its Secrets read. `keys` absent: the SDK's own chain (`useSDKCreds`). */
export interface S3Settings {
  endpoint?: string;
  region: string;
  forcePathStyle: boolean;
  keys?: S3KeyPair;
  /** The role that is assumed with the keys; its own short-lived ones are used then. */
  roleArn?: string;
  /** PEM of the authorities that the server's certificate may come from. */
  caCertificates?: string;
}

/** Server-side encryption as headers of a save. */
export interface S3Encryption {
  ServerSideEncryption: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
  SSEKMSEncryptionContext?: string;
}

/** The customer's own key, which goes with every request about the object's content. */
export interface S3CustomerKey {
  SSECustomerAlgorithm: 'AES256';
  SSECustomerKey: string;
  SSECustomerKeyMD5: string;
}

const CUSTOMER_KEY_BYTES = 32;

/** Bucket and key of a location; throws ArtifactLocationError where one is missing. The key may be empty where `wholeStore`. */
export function s3Place(location: ArtifactLocation, wholeStore = false): { bucket: string; key: string } {
  const { bucket, key = '' } = location.s3 ?? {};
  if (typeof bucket !== 'string' || bucket === '') throw new ArtifactLocationError('s3.bucket is required');
  if (typeof key !== 'string' || (key === '' && !wholeStore)) throw new ArtifactLocationError('s3.key is required');
  return { bucket, key };
}

/** Reads a block's Secrets and turns Argo's fields (v4.1 `S3Artifact`) into connection settings. */
export async function s3Settings(location: ArtifactLocation, scope: SecretScope): Promise<S3Settings> {
  const block: Block = location.s3 ?? {};
  const read = (field: string): Promise<string | undefined> => secretAt(block[field], `s3.${field}`, scope);
  const [accessKeyId, secretAccessKey, sessionToken, caCertificates] = await Promise.all([
    read('accessKeySecret'),
    read('secretKeySecret'),
    read('sessionTokenSecret'),
    read('caSecret'),
  ]);
  const host = textAt(block, 'endpoint') ?? '';
  const isAmazon = host === '' || /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
  const roleArn = textAt(block, 'roleARN');
  return {
    region: textAt(block, 'region') ?? 'us-east-1',
    forcePathStyle: isPathStyle(block['addressingStyle'], isAmazon),
    ...(isAmazon ? {} : { endpoint: endpointUrl(host, block['insecure'] === true) }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { keys: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(caCertificates === undefined ? {} : { caCertificates }),
  };
}

/** Encryption headers of a save; undefined where the block asks for none, or brings its own key. */
export function s3Encryption(location: ArtifactLocation): S3Encryption | undefined {
  const options = blockAt(location.s3 ?? {}, 'encryptionOptions');
  const kmsKeyId = textAt(options, 'kmsKeyId');
  if (isSet(options['serverSideCustomerKeySecret'])) {
    if (kmsKeyId === undefined) return undefined;
    throw new ArtifactLocationError('s3.encryptionOptions: kmsKeyId and serverSideCustomerKeySecret exclude each other');
  }
  if (options['enableEncryption'] !== true) return undefined;
  if (kmsKeyId === undefined) return { ServerSideEncryption: 'AES256' };
  const context = textAt(options, 'kmsEncryptionContext');
  return {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: kmsKeyId,
    ...(context === undefined ? {} : { SSEKMSEncryptionContext: Buffer.from(context).toString('base64') }),
  };
}

/** The customer's key with its digest, as S3 asks for it; undefined where the block names none. */
export async function s3CustomerKey(location: ArtifactLocation, scope: SecretScope): Promise<S3CustomerKey | undefined> {
  const selector = blockAt(location.s3 ?? {}, 'encryptionOptions')['serverSideCustomerKeySecret'];
  const field = 's3.encryptionOptions.serverSideCustomerKeySecret';
  const encoded = await secretAt(selector, field, { ...scope, encoding: 'base64' });
  if (encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== CUSTOMER_KEY_BYTES)
    throw new ArtifactLocationError(`${field}: the key has ${key.length} bytes, not ${CUSTOMER_KEY_BYTES}`);
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  };
}

function endpointUrl(host: string, insecure: boolean): string {
  if (/^https?:\/\//.test(host)) return host;
  return `${insecure ? 'http' : 'https'}://${host}`;
}

function isPathStyle(style: JsonValue | undefined, isAmazon: boolean): boolean {
  if (!isSet(style) || style === 'auto-detect') return !isAmazon;
  if (style === 'path') return true;
  if (style === 'virtual-hosted') return false;
  throw new ArtifactLocationError(`s3.addressingStyle ${JSON.stringify(style)} is not one of path, virtual-hosted, auto-detect`);
}
