import { DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3';

import { classifyS3Error } from './s3-errors.js';

/** The most keys that S3 takes in one request. */
const KEYS_PER_REQUEST = 1000;
const BUSY_CODES = new Set(['SlowDown', 'InternalError', 'ServiceUnavailable', 'OperationAborted']);

/**
 * Deletes keys of one bucket, 1000 a request; gives the error of each key that is still there, by its place in `keys`. A key that does not
 * exist counts as deleted. Throws where a request as a whole fails.
 */
export async function deleteKeys(client: S3Client, bucket: string, keys: readonly string[]): Promise<Map<number, unknown>> {
  const failures = new Map<number, unknown>();
  for (let start = 0; start < keys.length; start += KEYS_PER_REQUEST) {
    const page = keys.slice(start, start + KEYS_PER_REQUEST);
    const places = new Map(page.map((key, index) => [key, start + index]));
    for (const { Key = '', Code = '', Message = '' } of await deletePage(client, bucket, page)) {
      const place = places.get(Key);
      if (place === undefined || Code === 'NoSuchKey') continue;
      const status = BUSY_CODES.has(Code) ? 503 : 403;
      const error = Object.assign(new Error(Message || Code), { name: Code, $metadata: { httpStatusCode: status } });
      failures.set(place, classifyS3Error(error, Key));
    }
  }
  return failures;
}

async function deletePage(client: S3Client, bucket: string, keys: readonly string[]) {
  try {
    const order = { Objects: keys.map((key) => ({ Key: key })), Quiet: true };
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: order }));
    return Errors;
  } catch (error) {
    throw classifyS3Error(error, keys[0] ?? '');
  }
}
