import { fetchUnverified } from './fetch-unverified.js';
import { ApiClientError, ServerAwayError } from './errors.js';

export interface ServerAddress {
  /** For example `http://localhost:2746`, without a slash at the end. */
  baseUrl: string;
  /** Value of the Authorization header; absent: none is sent. */
  authorization?: string | undefined;
  headers: Record<string, string>;
  /** The certificate of the server is not checked. */
  skipsVerification?: boolean;
}

export type Query = Record<string, string | number | boolean | undefined>;

const UNKNOWN_CODE = 2;

/** Speaks Argo's HTTP API. Every refusal becomes an ApiClientError with the server's own message. */
export class ApiClient {
  constructor(private readonly address: ServerAddress) {}

  get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.json<Answer>('GET', path, { query });
  }

  send<Answer>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, query: Query = {}): Promise<Answer> {
    return this.json<Answer>(method, path, { query, body });
  }

  /** Frames of a streaming endpoint, one JSON object per line, until the server ends it or `signal` aborts. */
  async *stream<Result>(path: string, query: Query, signal?: AbortSignal): AsyncGenerator<Result> {
    const response = await this.request('GET', path, { query, signal, accept: 'application/json' });
    if (!response.body) return;
    const decoder = new TextDecoder();
    let pending = '';
    for await (const chunk of response.body) {
      pending += decoder.decode(chunk as Uint8Array, { stream: true });
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) {
        const frame = parseFrame<Result>(line);
        if (frame !== undefined) yield frame;
      }
    }
  }

  /** The bytes of a download. */
  async download(path: string): Promise<ReadableStream<Uint8Array> | null> {
    const response = await this.request('GET', path, { accept: '*/*' });
    return response.body;
  }

  private async json<Answer>(method: string, path: string, options: { query?: Query; body?: unknown }): Promise<Answer> {
    const response = await this.request(method, path, { ...options, accept: 'application/json' });
    const text = await response.text();
    return (text === '' ? {} : JSON.parse(text)) as Answer;
  }

  private async request(
    method: string,
    path: string,
    options: { query?: Query | undefined; body?: unknown; accept: string; signal?: AbortSignal | undefined },
  ): Promise<Response> {
    const url = new URL(this.address.baseUrl + path);
    for (const [key, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(key, String(value));
    const ask = this.address.skipsVerification && url.protocol === 'https:' ? fetchUnverified : fetch;
    const response = await ask(url, {
      method,
      headers: {
        accept: options.accept,
        ...this.address.headers,
        ...(this.address.authorization ? { authorization: this.address.authorization } : {}),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    }).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
      throw new ServerAwayError(
        `no server answers at ${this.address.baseUrl} (${causeOf(error)}); start one with "argosy up", or set ARGO_SERVER`,
      );
    });
    if (!response.ok) throw await refusalOf(response);
    return response;
  }
}

/** A frame is `{"result": …}` or `{"error": …}`; blank lines keep the connection alive. */
const parseFrame = <Result>(line: string): Result | undefined => {
  if (line.trim() === '') return undefined;
  const frame = JSON.parse(line) as { result?: Result; error?: { message?: string; http_code?: number; grpc_code?: number } };
  if (frame.error)
    throw new ApiClientError(
      frame.error.message ?? 'the stream was broken off',
      frame.error.http_code ?? 500,
      frame.error.grpc_code ?? UNKNOWN_CODE,
    );
  return frame.result;
};

const refusalOf = async (response: Response): Promise<ApiClientError> => {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { code?: number; message?: string };
    return new ApiClientError(body.message ?? text, response.status, body.code ?? UNKNOWN_CODE);
  } catch {
    return new ApiClientError(text.trim() || `the server answered ${response.status}`, response.status, UNKNOWN_CODE);
  }
};

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name) : String(cause);
};
