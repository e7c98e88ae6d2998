import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactNotFoundError } from '../errors.js';

const MISSING = new Set(['NoSuchKey', 'NotFound']);
const BUSY = new Set([
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'RequestTimeout',
  'TooManyRequests',
  'Throttling',
  'ThrottlingException',
  'OperationAborted',
  // Another save of the same key was complete first and discarded this one's parts, or an answer was lost.
  'NoSuchUpload',
]);
const BUSY_STATUS = new Set([408, 409, 425, 429]);

interface SdkError extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/**
 * HTTP status and S3 error code to our error classes: missing object, busy or unreachable store (TransientError), refusal
 * (ArtifactAccessError). What did not come from the store (a body that fails while it is read) is given back as it is.
 */
export function classifyS3Error(error: unknown, key: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, code, message, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  if (MISSING.has(name)) return new ArtifactNotFoundError(key, { cause: error });
  if (BUSY.has(name) || (status !== undefined && (status >= 500 || BUSY_STATUS.has(status)))) {
    return new TransientError(`object store: ${name}: ${message}`, { cause: error });
  }
  if (status !== undefined && status >= 300)
    return new ArtifactAccessError(`object store: ${name}: ${message}`, { cause: error });
  if (isNetworkError(name, code) || status !== undefined)
    return new TransientError(`object store: ${message || (code ?? name)}`, { cause: error });
  if (name === 'CredentialsProviderError') return new ArtifactAccessError(`object store: ${message}`, { cause: error });
  return error;
}

/** Whether S3 says that the bucket itself does not exist. */
export function isMissingBucket(error: unknown): boolean {
  const { name, $metadata } = error as SdkError;
  return name === 'NoSuchBucket' || (name === 'NotFound' && $metadata?.httpStatusCode === 404);
}

const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPROTO',
]);

function isNetworkError(name: string, code: string | undefined): boolean {
  return name === 'TimeoutError' || (code !== undefined && NETWORK_CODES.has(code));
}
