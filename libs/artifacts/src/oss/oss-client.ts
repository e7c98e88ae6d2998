import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';
import { type HttpAnswer, type HttpRequest, successful } from '../http/exchange.js';

import type { OssPlace } from './oss-settings.js';
import { type OssKeys, ossSignatureV1, ossSignatureV4, percentEncoded, UNSIGNED_PAYLOAD } from './oss-signature.js';

/** One request about an object, or about its bucket. */
export interface OssCall {
  method: HttpRequest['method'];
  /** `bucket`: about the bucket, whatever the key of the place. */
  about?: 'bucket';
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  signal?: AbortSignal;
}

/** Sends signed requests about one place. A bucket that does not exist is ArtifactAccessError, a missing object ArtifactNotFoundError. */
export class OssClient {
  constructor(
    readonly place: OssPlace,
    private readonly keys: OssKeys,
    private readonly clock: { nowMs(): number },
  ) {}

  async send({ method, about, query = {}, headers = {}, body, signal }: OssCall): Promise<HttpAnswer> {
    const { bucket, bucketUrl } = this.place;
    const key = about === 'bucket' ? '' : this.place.key;
    const text = Object.entries(query).map(([name, value]) => (value === '' ? name : `${name}=${percentEncoded(value)}`));
    const path = key.split('/').map(percentEncoded).join('/');
    const url = `${bucketUrl}/${path}${text.length === 0 ? '' : `?${text.join('&')}`}`;
    const signed = this.signed({ method, bucket, key, query, headers: { host: new URL(bucketUrl).host, ...headers } });
    try {
      return await successful(
        {
          method,
          url,
          headers: signed,
          ...(body === undefined ? {} : { body }),
          ...(signal === undefined ? {} : { signal }),
        },
        this.place.key,
      );
    } catch (error) {
      throw namedError(error);
    }
  }

  /** Where the answer's body does not matter. */
  async done(call: OssCall): Promise<HttpAnswer> {
    const answer = await this.send(call);
    answer.body.resume();
    return answer;
  }

  private signed(request: Parameters<typeof ossSignatureV1>[1]): Record<string, string> {
    const now = new Date(this.clock.nowMs());
    const { securityToken } = this.keys;
    const lent = securityToken === undefined ? {} : { 'x-oss-security-token': securityToken };
    const { region } = this.place;
    if (region === undefined) {
      const headers = { ...request.headers, ...lent, date: now.toUTCString() };
      return { ...headers, authorization: ossSignatureV1(this.keys, { ...request, headers }) };
    }
    const timestamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const headers = { ...request.headers, ...lent, 'x-oss-date': timestamp, 'x-oss-content-sha256': UNSIGNED_PAYLOAD };
    return { ...headers, authorization: ossSignatureV4(this.keys, { ...request, headers, region, additional: ['host'] }) };
  }
}

function namedError(error: unknown): unknown {
  if (!(error instanceof ArtifactNotFoundError) || !(error.cause instanceof Error)) return error;
  // Another save of the same key was complete first and discarded this one's parts.
  if (error.cause.message.includes('NoSuchUpload')) return new TransientError(error.cause.message, { cause: error });
  return error.cause.message.includes('NoSuchBucket') ? new ArtifactAccessError(error.cause.message, { cause: error }) : error;
}
