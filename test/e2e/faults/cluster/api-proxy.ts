import { createServer, type IncomingMessage, request as requestPlain, type Server, type ServerResponse } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ClusterConnection } from '#libs/kubernetes';

/** What happens to each request on its way to the API server. */
export interface ApiTrouble {
  /** It arrives there so much later. */
  delayMs?: number;
  /** Every n-th is answered 429 with a `Retry-After` of a second, and never arrives. */
  refusedOf?: number;
  /** Of every n-th the answer gets lost: it is done, and nobody is told. Watches are spared. */
  lostOf?: number;
  /** None arrives, and every connection is broken off. */
  isAway?: boolean;
}

/** What the proxy has seen so far. */
export interface ApiCounts {
  requests: number;
  /** Answers and ends of watches that said 410, by the API server or by `expireWatches`. */
  expired: number;
  refused: number;
  lost: number;
}

const GONE = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  reason: 'Expired',
  code: 410,
  message: 'too old resource version',
};
const BUSY = { ...GONE, reason: 'TooManyRequests', code: 429, message: 'too many requests' };
const OF_410 = /"code":\s*410\b/;

const isNth = (count: number, n: number): boolean => n > 0 && count % n === 0;

/**
 * Stands between programs and an API server, over plain HTTP without a credential (it adds its own), passes on everything as it comes and
 * makes the trouble that it is told to. When the server breaks a connection off, so does the proxy.
 */
export class ApiProxy {
  readonly counts: ApiCounts = { requests: 0, expired: 0, refused: 0, lost: 0 };
  private trouble: ApiTrouble = {};
  private readonly sockets = new Set<Socket>();
  private readonly watches = new Map<ServerResponse, string>();
  /** Paths of watches whose next request is told 410. */
  private readonly expiring = new Map<string, number>();
  private server: Server | undefined;

  constructor(private readonly connection: ClusterConnection) {}

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.take(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server?.address() as AddressInfo).port}`;
  }

  /** From now on, instead of what was before; without any by default. */
  make(trouble: ApiTrouble = {}): void {
    this.trouble = trouble;
    if (trouble.isAway === true) for (const socket of this.sockets) socket.destroy();
  }

  /** Breaks all watches off; each is told 410 when it is asked for again. */
  expireWatches(): void {
    for (const [response, path] of [...this.watches]) {
      this.expiring.set(path, (this.expiring.get(path) ?? 0) + 1);
      response.destroy();
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => (this.server === undefined ? resolve(undefined) : this.server.close(resolve)));
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { delayMs = 0, refusedOf = 0, lostOf = 0, isAway } = this.trouble;
    if (isAway === true) return void request.socket.destroy();
    this.counts.requests += 1;
    const { requests } = this.counts;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const url = new URL(request.url ?? '/', this.url);
    const isWatch = url.searchParams.get('watch') === 'true';
    if (isWatch && this.isExpiring(url.pathname)) return this.expire(response);
    if (isNth(requests, refusedOf)) return this.refuse(request, response);
    if (isWatch) {
      this.watches.set(response, url.pathname);
      response.on('close', () => this.watches.delete(response));
    }
    await this.pass(request, response, { isWatch, isLost: !isWatch && isNth(requests, lostOf) });
  }

  private isExpiring(path: string): boolean {
    const left = this.expiring.get(path) ?? 0;
    if (left > 0) this.expiring.set(path, left - 1);
    return left > 0;
  }

  private expire(response: ServerResponse): void {
    this.counts.expired += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ type: 'ERROR', object: GONE })}\n`);
  }

  private refuse(request: IncomingMessage, response: ServerResponse): void {
    this.counts.refused += 1;
    request.resume();
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' });
    response.end(JSON.stringify(BUSY));
  }

  private async pass(
    request: IncomingMessage,
    response: ServerResponse,
    { isWatch, isLost }: { isWatch: boolean; isLost: boolean },
  ): Promise<void> {
    const { server, headers, agent } = await this.connection.access();
    const { host: _host, connection: _connection, ...own } = request.headers;
    const url = new URL(`${server}${request.url ?? '/'}`);
    const send = url.protocol === 'https:' ? requestSecure : requestPlain;
    const upstream = send(url, { method: request.method, agent, headers: { ...own, ...headers } }, (answer) => {
      if (isLost) {
        this.counts.lost += 1;
        answer.resume();
        return void response.destroy();
      }
      this.look(answer, isWatch);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.on('aborted', () => response.destroy());
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  }

  private look(answer: IncomingMessage, isWatch: boolean): void {
    if (answer.statusCode === 410) this.counts.expired += 1;
    if (!isWatch) return;
    // An expired watch says so in its first event.
    answer.once('data', (chunk: Buffer) => {
      if (chunk.subarray(0, 64).includes('"ERROR"') && OF_410.test(chunk.toString())) this.counts.expired += 1;
    });
  }
}
