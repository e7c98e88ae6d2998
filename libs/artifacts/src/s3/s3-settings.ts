import type { ArtifactLocation, JsonValue } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactLocationError } from '../errors.js';

/** Value of one key of a Secret; undefined where the Secret or the key does not exist. */
export type SecretReader = (selector: { namespace: string; name: string; key: string }) => Promise<string | undefined>;

/** An `s3` block with its Secrets read. `credentials` absent: the SDK's own chain (`useSDKCreds`). */
export interface S3Settings {
  endpoint?: string;
  region: string;
  forcePathStyle: boolean;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
}

/** Server-side encryption as headers of a save. */
export interface S3Encryption {
  ServerSideEncryption: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
  SSEKMSEncryptionContext?: string;
}

/** Fields that would change where or how data goes and that this driver does not do; refused by name rather than ignored. */
const REFUSED_FIELDS = ['roleARN', 'caSecret'];

type Block = { [field: string]: JsonValue | undefined };

/** Bucket and key of a location; throws ArtifactLocationError where one is missing. */
export function s3Place(location: ArtifactLocation): { bucket: string; key: string } {
  const { bucket, key } = location.s3 ?? {};
  if (typeof bucket !== 'string' || bucket === '') throw new ArtifactLocationError('s3.bucket is required');
  if (typeof key !== 'string' || key === '') throw new ArtifactLocationError('s3.key is required');
  return { bucket, key };
}

/** Reads a block's Secrets and turns Argo's fields (v4.1 `S3Artifact`) into connection settings. */
export async function s3Settings(location: ArtifactLocation, namespace: string, readSecret: SecretReader): Promise<S3Settings> {
  const block: Block = location.s3 ?? {};
  for (const field of REFUSED_FIELDS) {
    if (isSet(block[field])) throw new ArtifactLocationError(`s3.${field} is not supported`);
  }
  const read = (field: string): Promise<string | undefined> =>
    readSelector(block[field], `s3.${field}`, { namespace, readSecret });
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
    read('accessKeySecret'),
    read('secretKeySecret'),
    read('sessionTokenSecret'),
  ]);
  const host = typeof block.endpoint === 'string' ? block.endpoint : '';
  const isAmazon = host === '' || /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
  return {
    region: typeof block.region === 'string' && block.region !== '' ? block.region : 'us-east-1',
    forcePathStyle: isPathStyle(block.addressingStyle, isAmazon),
    ...(isAmazon ? {} : { endpoint: endpointUrl(host, block.insecure === true) }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }),
  };
}

/** Encryption headers of the block; throws where it asks for customer keys, which this driver does not do. */
export function s3Encryption(location: ArtifactLocation): S3Encryption | undefined {
  const options = location.s3?.encryptionOptions;
  if (options === undefined || options === null || typeof options !== 'object' || Array.isArray(options)) return undefined;
  if (isSet(options.serverSideCustomerKeySecret)) {
    throw new ArtifactLocationError('s3.encryptionOptions.serverSideCustomerKeySecret is not supported');
  }
  if (options.enableEncryption !== true) return undefined;
  const { kmsKeyId, kmsEncryptionContext } = options;
  if (typeof kmsKeyId !== 'string' || kmsKeyId === '') return { ServerSideEncryption: 'AES256' };
  const context = typeof kmsEncryptionContext === 'string' && kmsEncryptionContext !== '' ? kmsEncryptionContext : undefined;
  return {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: kmsKeyId,
    ...(context === undefined ? {} : { SSEKMSEncryptionContext: Buffer.from(context).toString('base64') }),
  };
}

async function readSelector(
  selector: JsonValue | undefined,
  field: string,
  scope: { namespace: string; readSecret: SecretReader },
): Promise<string | undefined> {
  if (!isSet(selector)) return undefined;
  const { name, key } = selector as { name?: JsonValue; key?: JsonValue };
  if (typeof name !== 'string' || typeof key !== 'string') throw new ArtifactLocationError(`${field} needs name and key`);
  const value = await scope.readSecret({ namespace: scope.namespace, name, key });
  if (value === undefined)
    throw new ArtifactAccessError(
      `${field}: secret "${name}" with key "${key}" does not exist in namespace "${scope.namespace}"`,
    );
  return value;
}

function endpointUrl(host: string, insecure: boolean): string {
  if (/^https?:\/\//.test(host)) return host;
  return `${insecure ? 'http' : 'https'}://${host}`;
}

function isPathStyle(style: JsonValue | undefined, isAmazon: boolean): boolean {
  if (style === undefined || style === null || style === '' || style === 'auto-detect') return !isAmazon;
  if (style === 'path') return true;
  if (style === 'virtual-hosted') return false;
  throw new ArtifactLocationError(`s3.addressingStyle ${JSON.stringify(style)} is not one of path, virtual-hosted, auto-detect`);
}

function isSet(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null && value !== '';
}
