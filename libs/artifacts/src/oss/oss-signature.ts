import { createHash, createHmac } from 'node:crypto';

/** Keys of an account, and the token that belongs to them where they were lent. */
export interface OssKeys {
  accessKeyId: string;
  accessKeySecret: string;
  securityToken?: string;
}

/** What is signed. Headers are those that will be sent (lower case); an empty value of a query is a name alone. */
export interface OssRequest {
  method: string;
  bucket: string;
  /** Empty for requests about the bucket. */
  key: string;
  query: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
}

/** The body is not part of the signature; the store checks it by the length, and the connection is encrypted. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** Names in a query that choose another resource: version 1 signs these and no others. */
const SUBRESOURCES = new Set(['bucketInfo', 'lifecycle', 'partNumber', 'uploadId', 'uploads']);

/** The `authorization` header of OSS's signature version 1, which needs no region; the headers carry `date`. */
export function ossSignatureV1(keys: OssKeys, { method, bucket, key, query, headers }: OssRequest): string {
  const own = ossHeaders(headers).map(([name, value]) => `${name}:${value}\n`);
  const chosen = sorted(query)
    .filter(([name]) => SUBRESOURCES.has(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource = `/${bucket}/${key}${chosen.length === 0 ? '' : `?${chosen.join('&')}`}`;
  const text = [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    headers['date'] ?? '',
    `${own.join('')}${resource}`,
  ].join('\n');
  return `OSS ${keys.accessKeyId}:${createHmac('sha1', keys.accessKeySecret).update(text, 'utf8').digest('base64')}`;
}

/** The `authorization` header of OSS's signature version 4; the headers carry `x-oss-date` and `x-oss-content-sha256`. */
export function ossSignatureV4(keys: OssKeys, request: OssRequest & { region: string; additional?: readonly string[] }): string {
  const { method, bucket, key, query, headers, region } = request;
  const timestamp = headers['x-oss-date'] ?? '';
  const additional = [...(request.additional ?? [])].sort();
  const signed = sorted(headers)
    .filter(([name]) => /^(content-type|content-md5|x-oss-.*)$/.test(name) || additional.includes(name))
    .map(([name, value]) => `${name}:${value.trim()}\n`);
  const canonical = [
    method,
    `/${bucket}/${key}`.split('/').map(percentEncoded).join('/'),
    sorted(query)
      .map(([name, value]) => (value === '' ? percentEncoded(name) : `${percentEncoded(name)}=${percentEncoded(value)}`))
      .join('&'),
    signed.join(''),
    additional.join(';'),
    UNSIGNED_PAYLOAD,
  ].join('\n');
  const scope = [timestamp.slice(0, 'YYYYMMDD'.length), region, 'oss', 'aliyun_v4_request'];
  const text = ['OSS4-HMAC-SHA256', timestamp, scope.join('/'), createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signingKey = scope.reduce<Buffer | string>((secret, part) => mac(secret, part), `aliyun_v4${keys.accessKeySecret}`);
  const names = additional.length === 0 ? '' : `AdditionalHeaders=${additional.join(';')},`;
  return `OSS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope.join('/')},${names}Signature=${mac(signingKey, text).toString('hex')}`;
}

/** Everything but letters, digits and `-_.~` as percent signs; what encodeURIComponent leaves besides is encoded too. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function mac(secret: Buffer | string, text: string): Buffer {
  return createHmac('sha256', secret).update(text, 'utf8').digest();
}

function ossHeaders(headers: Readonly<Record<string, string>>): [string, string][] {
  return sorted(headers).filter(([name]) => name.startsWith('x-oss-'));
}

function sorted(fields: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(fields).sort(([first], [second]) => (first < second ? -1 : 1));
}
