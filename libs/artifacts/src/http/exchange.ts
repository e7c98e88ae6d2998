import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { finished, Readable } from 'node:stream';

import { TransientError } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';

/** A store that says nothing for this long counts as away. */
const SILENCE_LIMIT_MS = 60_000;
const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const BUSY_STATUS = new Set([408, 425, 429]);
const SHOWN_CHARACTERS = 300;

/** One request to a store that speaks HTTP. Only GET and HEAD follow redirects; other hosts do not see `authorization`. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: Readable | Buffer;
  /** Exact length of a streamed body; absent: it is sent in chunks. */
  sizeBytes?: number;
  /** Certificate and key (PEM) by which this client shows who it is. */
  clientCertificate?: { cert: string; key: string };
  signal?: AbortSignal;
}

/** What the store said; `body` must be read or destroyed. */
export interface HttpAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: IncomingMessage;
}

/** Sends a request. Throws TransientError where nothing comes back, ArtifactLocationError for a host that does not exist; an error of the request's own body is given as it is. */
export async function exchange(request: HttpRequest): Promise<HttpAnswer> {
  let current = request;
  for (let count = 0; ; count += 1) {
    const answer = await exchangeOnce(current);
    const target = answer.headers.location;
    const follows = current.method === 'GET' || current.method === 'HEAD';
    if (!follows || !REDIRECTS.has(answer.status) || target === undefined) return answer;
    answer.body.destroy();
    if (count === MAX_REDIRECTS) throw new ArtifactAccessError(`${shownUrl(request.url)}: more than ${MAX_REDIRECTS} redirects`);
    current = redirected(current, target);
  }
}

/** The answer where it is a success; throws by its status: not found, busy (TransientError), refused (ArtifactAccessError). */
export async function successful(request: HttpRequest, key = shownUrl(request.url)): Promise<HttpAnswer> {
  const answer = await exchange(request);
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw await failureOf(answer, request, key);
}

/** The whole of a short answer as text. */
export async function textOf(answer: HttpAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw new TransientError('object store: the answer broke off', { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends a request whose answer's body does not matter. */
export async function done(request: HttpRequest, key?: string): Promise<HttpAnswer> {
  const answer = await successful(request, key);
  answer.body.resume();
  return answer;
}

/** The size that an answer announces; undefined where it announces none. */
export function announcedBytes(answer: HttpAnswer): number | undefined {
  const text = answer.headers['content-length'];
  return text === undefined || answer.headers['content-encoding'] !== undefined ? undefined : Number(text);
}

/**
 * Why nothing came back. A name that no name server knows is wrong in the spec and stays so; a name server that is away, like any other
 * trouble on the way, passes.
 */
export function unansweredError(what: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOTFOUND') return new ArtifactLocationError(`${what}: there is no such host`);
  return new TransientError(`${what}: ${error.message}`, { cause: error });
}

async function failureOf(answer: HttpAnswer, request: HttpRequest, key: string): Promise<Error> {
  const said = (await textOf(answer).catch(() => '')).trim().replaceAll(/\s+/g, ' ').slice(0, SHOWN_CHARACTERS);
  const message = `${request.method} ${shownUrl(request.url)}: status ${answer.status}${said === '' ? '' : `: ${said}`}`;
  if (answer.status === 404) return new ArtifactNotFoundError(key, { cause: new Error(message) });
  if (answer.status >= 500 || BUSY_STATUS.has(answer.status)) return new TransientError(message);
  return new ArtifactAccessError(message);
}

function redirected(request: HttpRequest, target: string): HttpRequest {
  const url = new URL(target, request.url);
  const headers =
    url.host === new URL(request.url).host
      ? request.headers
      : Object.fromEntries(Object.entries(request.headers ?? {}).filter(([name]) => !/^(authorization|cookie)$/i.test(name)));
  return { ...request, url: url.href, ...(headers === undefined ? {} : { headers }) };
}

async function exchangeOnce(request: HttpRequest): Promise<HttpAnswer> {
  const url = parsedUrl(request.url);
  request.signal?.throwIfAborted();
  return new Promise((settle, refuse) => {
    const send = url.protocol === 'https:' ? requestSecure : requestPlain;
    const sent = send(url, {
      method: request.method,
      headers: headersOf(request),
      timeout: SILENCE_LIMIT_MS,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...request.clientCertificate,
    });
    let bodyError: Error | undefined;
    let answered = false;
    sent.on('timeout', () => sent.destroy(new Error(`no answer for ${SILENCE_LIMIT_MS} ms`)));
    sent.on('response', (body) => {
      answered = true;
      settle({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    sent.on('error', (error) => {
      if (request.signal?.aborted === true) refuse(request.signal.reason as Error);
      else refuse(bodyError ?? unansweredError(`${request.method} ${shownUrl(request.url)}`, error));
    });
    sendBody(sent, request.body, (error) => {
      bodyError = error;
      if (!answered) sent.destroy(error);
    });
  });
}

/** The body's own failure ends the request before its last byte, so that no store takes the part for the whole. */
function sendBody(sent: ClientRequest, body: Readable | Buffer | undefined, fail: (error: Error) => void): void {
  if (!(body instanceof Readable)) {
    sent.end(body);
    return;
  }
  finished(body, { writable: false }, (error) => {
    if (error) fail(error);
  });
  finished(sent, { readable: false }, () => body.destroy());
  body.pipe(sent);
}

function headersOf(request: HttpRequest): Record<string, string> {
  const size = request.body instanceof Buffer ? request.body.length : request.sizeBytes;
  return {
    'accept-encoding': 'identity',
    ...(request.body === undefined || size === undefined ? {} : { 'content-length': String(size) }),
    ...request.headers,
  };
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ArtifactLocationError(`"${shownUrl(text)}" is not a URL of http or https`);
  return url;
}

/** A URL without what may be secret in it: name and password, and the query with its signatures. */
export function shownUrl(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/s, '');
}
