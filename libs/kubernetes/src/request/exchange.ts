import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { ClusterConnection } from '../connection/connection.js';
import { errorOfAnswer, KubernetesUnavailableError, type ServerSaid } from '../errors.js';

/** One request below the server's address. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  /** Undefined values are left out, lists repeat their name. */
  query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
  /** What is in flight already, and what is not patient, goes before it where requests have to wait. */
  isPatient?: boolean;
  /** For how long the server may say nothing; default 30 s. */
  silenceMs?: number;
}

const SILENCE_MS = 30_000;
/** Of an error's body. */
const MAX_ERROR_BYTES = 256 * 1024;

/** Sends a request and gives the successful answer, whose body must be read or destroyed. Throws the classes of errors.ts. */
export const exchange = async (connection: ClusterConnection, request: ApiRequest): Promise<IncomingMessage> => {
  const answer = await answerOf(connection, request);
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  throw errorOfAnswer(await saidBy(answer, request));
};

/** The whole body as text; TransientError where it breaks off. */
export const textOf = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw unavailable(`the API server's answer broke off: ${(error as Error).message}`, error);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const answerOf = async (connection: ClusterConnection, request: ApiRequest): Promise<IncomingMessage> => {
  request.signal?.throwIfAborted();
  const { server, headers, agent } = await connection.access().catch((error: unknown) => {
    throw unavailable(`the credential for the API server cannot be read: ${(error as Error).message}`, error);
  });
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const url = new URL(server + request.path + queryText(request.query));
  const options = {
    method: request.method,
    agent,
    headers: {
      ...headers,
      accept: request.accept ?? 'application/json',
      'user-agent': 'argosy',
      ...(body === undefined
        ? {}
        : { 'content-type': request.contentType ?? 'application/json', 'content-length': body.byteLength }),
    },
    timeout: request.silenceMs ?? SILENCE_MS,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
  // A connection that was kept may have been closed by the server at the moment of sending: it has not seen the request.
  for (let isFirst = true; ; isFirst = false) {
    const sent = (url.protocol === 'https:' ? requestSecure : requestPlain)(url, options);
    try {
      return await sendOnce(sent, body);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (isFirst && sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET') continue;
      throw unavailable(`the API server does not answer: ${(error as Error).message}`, error);
    }
  }
};

const sendOnce = (sent: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> =>
  new Promise((settle, refuse) => {
    sent.on('timeout', () => sent.destroy(new Error('it says nothing')));
    sent.on('error', refuse);
    sent.on('response', settle);
    sent.end(body);
  });

const saidBy = async (answer: IncomingMessage, request: ApiRequest): Promise<ServerSaid> => {
  const text = await shortText(answer).catch(() => '');
  const status = statusObject(text);
  const seconds = Number(answer.headers['retry-after'] ?? status.details?.retryAfterSeconds);
  return {
    httpStatus: answer.statusCode ?? 0,
    reason: status.reason ?? '',
    message:
      status.message ?? `${request.method} ${request.path}: status ${answer.statusCode ?? 0} ${text.trim().slice(0, 300)}`.trim(),
    ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  };
};

const shortText = async (answer: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MAX_ERROR_BYTES) break;
  }
  return text;
};

interface StatusObject {
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number };
}

const statusObject = (text: string): StatusObject => {
  try {
    const parsed = JSON.parse(text) as StatusObject & { kind?: string };
    return parsed.kind === 'Status' ? parsed : {};
  } catch {
    return {};
  }
};

const queryText = (query: ApiRequest['query']): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
};

const unavailable = (message: string, cause: unknown): KubernetesUnavailableError =>
  new KubernetesUnavailableError({ httpStatus: 0, reason: '', message }, { cause });
