import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { TaskError } from '../task.js';

/** A header of a request; a secret one does not leave for another host. */
export interface RequestHeader {
  name: string;
  value: string;
  isSecret: boolean;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers: readonly RequestHeader[];
  body: Buffer;
  insecureSkipVerify: boolean;
  signal: AbortSignal;
  /** A longer answer is an error. */
  maxBodyBytes: number;
  /** A unix socket by which the URL's host is reached; redirects to other hosts do not take it. */
  socketPath?: string;
}

export interface HttpAnswer {
  statusCode: number;
  /** Names as Go writes them (`Content-Type`), values in their order. */
  headers: Record<string, string[]>;
  body: Buffer;
}

const MAX_REDIRECTS = 10;
/** Redirects that ask for the new place with GET; the others repeat the request as it was. */
const SEE_OTHER = new Set([301, 302, 303]);
const SAME_REQUEST = new Set([307, 308]);
/** Headers that Go does not carry to another host. */
const PERSONAL_HEADERS = new Set(['authorization', 'www-authenticate', 'cookie', 'cookie2']);

interface Hop {
  method: string;
  url: URL;
  headers: readonly RequestHeader[];
  body: Buffer;
}

/**
 * One request with its redirects, as Go's client follows them: at most ten, 301 to 303 with GET, personal headers only to the same host. Throws
 * TaskError in the words of Go's client where there is no answer.
 */
export const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
  let hop: Hop = {
    method: request.method,
    url: targetOf(request.method, request.url),
    headers: request.headers,
    body: request.body,
  };
  for (let followed = 0; ; followed += 1) {
    const { answer, location } = await send(request, hop);
    if (location === undefined) return answer;
    const failure = (reason: string): TaskError => new TaskError(`${goVerb(hop.method)} ${JSON.stringify(location)}: ${reason}`);
    if (followed >= MAX_REDIRECTS) throw failure(`stopped after ${MAX_REDIRECTS} redirects`);
    hop = next(hop, answer.statusCode, resolved(location, hop.url, failure), failure);
  }
};

const resolved = (location: string, base: URL, failure: (reason: string) => TaskError): URL => {
  try {
    return new URL(location, base);
  } catch {
    throw failure('failed to parse Location header');
  }
};

const next = (hop: Hop, statusCode: number, url: URL, failure: (reason: string) => TaskError): Hop => {
  if (!isHttp(url)) throw failure(`unsupported protocol scheme "${url.protocol.replace(/:$/, '')}"`);
  const isSeeOther = SEE_OTHER.has(statusCode) && hop.method !== 'GET' && hop.method !== 'HEAD';
  const stays = isSameHost(hop.url, url) && !(hop.url.protocol === 'https:' && url.protocol === 'http:');
  const headers = hop.headers.filter(
    ({ name, isSecret }) =>
      (stays || (!isSecret && !PERSONAL_HEADERS.has(name.toLowerCase()))) && !(isSeeOther && /^content-/i.test(name)),
  );
  return { method: isSeeOther ? 'GET' : hop.method, url, headers, body: isSeeOther ? Buffer.alloc(0) : hop.body };
};

const isHttp = (url: URL): boolean => url.protocol === 'http:' || url.protocol === 'https:';
const isSameHost = (from: URL, to: URL): boolean => to.host === from.host || to.hostname.endsWith(`.${from.hostname}`);

const targetOf = (method: string, text: string): URL => {
  const failure = (reason: string): TaskError => new TaskError(`${goVerb(method)} ${JSON.stringify(text)}: ${reason}`);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1];
  if (scheme === undefined) throw failure('unsupported protocol scheme ""');
  if (!/^https?$/i.test(scheme)) throw failure(`unsupported protocol scheme ${JSON.stringify(scheme.toLowerCase())}`);
  try {
    return new URL(text);
  } catch {
    throw failure('http: no Host in request URL');
  }
};

/** How Go's errors name a method: `Get`, `Post`. */
const goVerb = (method: string): string => method.charAt(0).toUpperCase() + method.slice(1).toLowerCase();

const send = async (
  { url: first, signal, insecureSkipVerify, maxBodyBytes, socketPath }: HttpRequest,
  { method, url, headers, body }: Hop,
): Promise<{ answer: HttpAnswer; location: string | undefined }> => {
  const failure = (error: unknown): TaskError =>
    new TaskError(`${goVerb(method)} ${JSON.stringify(shown(url))}: ${goReason(error, signal)}`, { cause: error });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const given: Record<string, string[]> = { 'User-Agent': ['argosy'] };
    for (const { name, value } of headers) (given[canonicalName(name)] ??= []).push(value);
    if (headers.some(({ name }) => name.toLowerCase() === 'user-agent')) given['User-Agent']?.shift();
    if (body.length > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH')
      given['Content-Length'] = [String(body.length)];
    const client = url.protocol === 'https:' ? https : http;
    const options = {
      method,
      headers: given,
      signal,
      agent: false as const,
      rejectUnauthorized: !insecureSkipVerify,
      ...(socketPath !== undefined && url.host === new URL(first).host ? { socketPath } : {}),
    };
    try {
      client.request(url, options, resolve).on('error', reject).end(body);
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  }).catch((error: unknown) => {
    throw failure(error);
  });
  const statusCode = response.statusCode ?? 0;
  const location = SEE_OTHER.has(statusCode) || SAME_REQUEST.has(statusCode) ? response.headers.location : undefined;
  const received = await bodyOf(response, maxBodyBytes).catch((error: unknown) => {
    throw error instanceof TaskError ? error : failure(error);
  });
  return { answer: { statusCode, headers: headersOf(response), body: received }, location };
};

const bodyOf = async (response: Readable, maxBodyBytes: number): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodyBytes) throw new TaskError(`the response's body is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** As Go shows a URL in its errors: with three stars for a password. */
const shown = ({ href, username, password }: URL): string =>
  password === '' ? href : href.replace(`//${username}:${password}@`, `//${username}:***@`);

const canonicalName = (name: string): string =>
  name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase())
    .join('-');

const headersOf = ({ rawHeaders }: http.IncomingMessage): Record<string, string[]> => {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    (headers[canonicalName(rawHeaders[at] ?? '')] ??= []).push(rawHeaders[at + 1] ?? '');
  return headers;
};

const CERTIFICATE_CODE = /^(?:CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

type ConnectionError = NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };

const dialled = ({ address, port }: ConnectionError): string =>
  address === undefined ? 'dial tcp' : `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`;

const REASONS: Readonly<Record<string, (error: ConnectionError) => string>> = {
  ECONNREFUSED: (error) => `${dialled(error)}: connect: connection refused`,
  ETIMEDOUT: (error) => `${dialled(error)}: i/o timeout`,
  ENOTFOUND: ({ hostname }) => `dial tcp: lookup ${hostname ?? ''}: no such host`,
  EAI_AGAIN: ({ hostname }) => `dial tcp: lookup ${hostname ?? ''}: server misbehaving`,
  ECONNRESET: ({ message }) => (message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer'),
};

/** What Go's client would say of a failed connection. */
const goReason = (error: unknown, signal: AbortSignal): string => {
  const { reason } = signal as { reason: unknown };
  if (signal.aborted)
    return reason instanceof DOMException && reason.name === 'TimeoutError' ? 'context deadline exceeded' : 'context canceled';
  const first = error instanceof AggregateError ? ((error.errors[0] as unknown) ?? error) : error;
  const failure = first as ConnectionError;
  const { code = '', message } = failure;
  if (CERTIFICATE_CODE.test(code)) return `tls: failed to verify certificate: ${message}`;
  return REASONS[code]?.(failure) ?? message;
};
