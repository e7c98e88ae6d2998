import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { ApiError } from '../errors/errors.js';
import { hasAuthorizationHeader } from './bearer-token.js';
import { isLoopback } from './loopback.js';

/** Host without its port; undefined where the header is not a host. */
function hostName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::\d{1,5})?$/.exec(header);
  return match?.[1];
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

const denied = (message: string): ApiError => new ApiError(7, message);

function originProblem(request: Request): ApiError | undefined {
  const { origin, host } = request.headers;
  if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) {
    return denied(`requests from the origin ${JSON.stringify(origin.slice(0, 100))} are not allowed`);
  }
  const site = request.headers['sec-fetch-site'];
  const followsLink = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  if ((site === 'cross-site' || site === 'same-site') && !followsLink)
    return denied('requests from another site are not allowed');
  return undefined;
}

/**
 * Keeps web pages out. Without a token (`loopbackOnly`) the Host must be this machine's loopback name, so that a DNS name rebound to
 * 127.0.0.1 does not reach us; and whatever a browser sends on behalf of another origin is refused. With a token, a request that
 * carries the Authorization header itself may come from anywhere: no page can make a browser add it unasked.
 */
export function guardAgainstBrowsers(options: { loopbackOnly: boolean }): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    response.setHeader('X-Frame-Options', 'SAMEORIGIN');
    const host = hostName(request.headers.host);
    if (options.loopbackOnly && (host === undefined || !isLoopback(host))) {
      next(
        denied(`the host ${JSON.stringify((request.headers.host ?? '').slice(0, 100))} is not this machine's loopback address`),
      );
      return;
    }
    const ownCredential = !options.loopbackOnly && hasAuthorizationHeader(request);
    next(ownCredential ? undefined : originProblem(request));
  };
}
