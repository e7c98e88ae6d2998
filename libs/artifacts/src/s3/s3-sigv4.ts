import { createHash, createHmac } from 'node:crypto';

import type { S3KeyPair } from './s3-settings.js';

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** A request to be signed in its query: Amazon's "Signature Version 4", query form, with the body left out of the signature. */
export interface QuerySigning {
  method: 'GET' | 'PUT';
  /** Without query; the path is encoded as it is to be sent. */
  url: URL;
  /** Parameters of the request itself. */
  query?: Readonly<Record<string, string>>;
  /** Headers that the request must carry exactly so; lower case. `host` is added. */
  headers: Readonly<Record<string, string>>;
  keys: S3KeyPair;
  region: string;
  nowMs: number;
  expiresInSeconds: number;
}

/** The URL with the signature in its query. Whoever has it can send this one request until it expires. */
export function signedUrl(signing: QuerySigning): string {
  const { method, url, keys, region, nowMs, expiresInSeconds } = signing;
  const timestamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const scope = `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`;
  const headers = Object.entries({ ...signing.headers, host: url.host }).sort(byName);
  const signedNames = headers.map(([name]) => name).join(';');
  const query = canonicalQuery({
    ...signing.query,
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${keys.accessKeyId}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': String(expiresInSeconds),
    'X-Amz-SignedHeaders': signedNames,
    ...(keys.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': keys.sessionToken }),
  });
  const canonicalHeaders = headers.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`).join('');
  const canonicalRequest = [method, url.pathname, query, canonicalHeaders, signedNames, 'UNSIGNED-PAYLOAD'].join('\n');
  const toSign = [ALGORITHM, timestamp, scope, createHash('sha256').update(canonicalRequest).digest('hex')].join('\n');
  const signature = createHmac('sha256', signingKey(keys.secretAccessKey, scope)).update(toSign).digest('hex');
  return `${url.origin}${url.pathname}?${query}&X-Amz-Signature=${signature}`;
}

/** Every byte but unreserved characters as `%XX`, as the signature wants it. */
export function uriEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function signingKey(secret: string, scope: string): Buffer {
  return scope
    .split('/')
    .reduce((key: string | Buffer, part) => createHmac('sha256', key).update(part).digest(), `AWS4${secret}`) as Buffer;
}

function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([name, value]): [string, string] => [uriEncoded(name), uriEncoded(value)])
    .sort(byName)
    .map((pair) => pair.join('='))
    .join('&');
}

const byName = ([left]: [string, string], [right]: [string, string]): number => (left < right ? -1 : left > right ? 1 : 0);
