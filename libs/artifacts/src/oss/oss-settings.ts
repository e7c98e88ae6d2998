import { isIP } from 'node:net';

import type { ArtifactLocation } from '#libs/workflow-spec';

import { ArtifactLocationError } from '../errors.js';
import { type Block, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';

import type { OssKeys } from './oss-signature.js';

/** Where an object lies and how its bucket is addressed. */
export interface OssPlace {
  bucket: string;
  key: string;
  /** Address of the bucket, without a slash at its end. */
  bucketUrl: string;
  /** The region that the endpoint's name tells; with it requests are signed by version 4, else by version 1. */
  region?: string;
}

/** Bucket, key and address of a location; throws ArtifactLocationError. The key may be empty where `wholeStore`. */
export function ossPlace(location: ArtifactLocation, wholeStore = false): OssPlace {
  const block: Block = location.oss ?? {};
  const bucket = textAt(block, 'bucket');
  const endpoint = textAt(block, 'endpoint');
  const key = textAt(block, 'key') ?? '';
  if (endpoint === undefined) throw new ArtifactLocationError('oss.endpoint is required');
  if (bucket === undefined || !/^[a-z0-9][-a-z0-9]*$/.test(bucket))
    throw new ArtifactLocationError('oss.bucket is required, of lower case letters, digits and dashes');
  if (key === '' && !wholeStore) throw new ArtifactLocationError('oss.key is required');
  const address = /^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`;
  if (!URL.canParse(address)) throw new ArtifactLocationError(`oss.endpoint "${endpoint}" is no address`);
  const url = new URL(address);
  const region = regionOf(url.hostname);
  return { bucket, key, bucketUrl: bucketUrl(url, bucket), ...(region === undefined ? {} : { region }) };
}

/** The keys of a block: those of its Secrets, or, where it asks for the machine's own, those that `lend` gives. */
export async function ossKeys(location: ArtifactLocation, scope: SecretScope, lend: () => Promise<OssKeys>): Promise<OssKeys> {
  const block: Block = location.oss ?? {};
  if (block['useSDKCreds'] === true) return lend();
  const [accessKeyId, accessKeySecret] = await Promise.all([
    secretAt(block['accessKeySecret'], 'oss.accessKeySecret', scope),
    secretAt(block['secretKeySecret'], 'oss.secretKeySecret', scope),
  ]);
  if (accessKeyId === undefined || accessKeySecret === undefined)
    throw new ArtifactLocationError('oss needs accessKeySecret and secretKeySecret, or useSDKCreds');
  const securityToken = textAt(block, 'securityToken');
  return {
    accessKeyId: accessKeyId.trim(),
    accessKeySecret: accessKeySecret.trim(),
    ...(securityToken === undefined ? {} : { securityToken }),
  };
}

/** Buckets are labels of the host's name; what has no name, and test servers, have them in the path. */
function bucketUrl(url: URL, bucket: string): string {
  const base = `${url.protocol}//`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 || host === 'localhost' ? `${base}${url.host}/${bucket}` : `${base}${bucket}.${url.host}`;
}

function regionOf(hostname: string): string | undefined {
  return /^oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/.exec(hostname)?.[1];
}
