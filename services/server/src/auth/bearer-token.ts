import { createHash, timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { ApiError } from '../errors/errors.js';

/** Argo's answer to a missing or wrong credential. */
const TOKEN_NOT_VALID = 'token not valid. see https://argo-workflows.readthedocs.io/en/latest/faq/';

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/** `Bearer X` as such or bare, as Argo's CLI and its login page write it. */
const tokenOf = (credential: string): string => credential.replace(/^Bearer\s+/i, '').trim();

function cookieCredentials(request: Request): string[] {
  const header = request.headers.cookie ?? '';
  return header
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith('authorization='))
    .map((part) => {
      const value = part.slice('authorization='.length).replace(/^"(.*)"$/, '$1');
      try {
        return decodeURIComponent(value);
      } catch {
        return value;
      }
    });
}

/** Whether a request carries its credential itself; a cookie is sent by the browser on behalf of any page. */
export const hasAuthorizationHeader = (request: Request): boolean => (request.headers.authorization ?? '') !== '';

/**
 * Lets only requests with the token pass: the Authorization header, or (as Argo's web page does it) a cookie named `authorization`.
 * Compared over digests in constant time, so neither content nor length can be measured.
 */
export function requireBearerToken(token: string): RequestHandler {
  const expected = digest(token);
  const isExpected = (credential: string): boolean => timingSafeEqual(digest(tokenOf(credential)), expected);
  return (request: Request, _response: Response, next: NextFunction): void => {
    const header = request.headers.authorization;
    const credentials = header === undefined ? cookieCredentials(request) : [header];
    next(credentials.some(isExpected) ? undefined : new ApiError(16, TOKEN_NOT_VALID));
  };
}
