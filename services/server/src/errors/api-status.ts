import { HttpException } from '@nestjs/common';
import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';
import { ApiError, HTTP_STATUS_OF_CODE } from './errors.js';

/** What a caller is told of an error: Argo's JSON body and the HTTP status. */
export interface ApiStatus {
  httpStatus: number;
  body: { code: number; message: string };
  /** True where an operator must look: a bug or a permanent fault; the caller is told nothing of it. */
  unexpected: boolean;
}

const expected = (httpStatus: number, code: number, message: string): ApiStatus => ({
  httpStatus,
  body: { code, message },
  unexpected: false,
});

const CODE_OF_HTTP_STATUS: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  409: 6,
  413: 3,
  415: 3,
  429: 8,
  503: 14,
};

/**
 * The one mapping from error class to answer. User errors and API errors show their message; a transient error is 503 with its message
 * (adapters put no credentials into it); all else is 500 without details, and is logged.
 */
export function apiStatusOf(error: unknown): ApiStatus {
  if (error instanceof ApiError) return expected(error.httpStatus, error.code, error.message);
  if (error instanceof UserError) return expected(HTTP_STATUS_OF_CODE[error.grpcCode] ?? 500, error.grpcCode, error.message);
  if (error instanceof TransientError) return expected(503, 14, error.message);
  if (error instanceof HttpException) {
    const httpStatus = error.getStatus();
    // A path that no route serves: the gateway's own words.
    if (httpStatus === 404) return expected(501, 12, 'Not Implemented');
    return expected(httpStatus, CODE_OF_HTTP_STATUS[httpStatus] ?? 13, error.message);
  }
  const message =
    error instanceof PermanentError
      ? 'the stored data cannot be read; see the log of the server'
      : 'internal error; see the log of the server';
  return { httpStatus: 500, body: { code: 13, message }, unexpected: true };
}
