import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const SLOW_MS = 1_500;

/**
 * What the store does to requests. `away`: connections break. `busy`: 503. `half`: bodies break off in the middle, those that are sent and
 * those that are answered. `slow`: everything takes a while.
 */
export type StoreMood = 'well' | 'away' | 'busy' | 'half' | 'slow';

/** An HTTP server in front of an S3 server, with moods. */
export class FaultyStore {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly hits = new Map<StoreMood, number>();
  private mood: StoreMood = 'well';

  private constructor(private readonly target: { host: string; port: number }) {
    this.server = createServer((incoming, answer) => this.take(incoming, answer));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
      if (this.mood === 'away') {
        this.count();
        socket.destroy();
      }
    });
  }

  /** `endpoint` is host and port of the server behind it. */
  static async before(endpoint: string): Promise<FaultyStore> {
    const [host = '', port = ''] = endpoint.split(':');
    const store = new FaultyStore({ host, port: Number(port) });
    await new Promise<void>((settle) => store.server.listen(0, '127.0.0.1', settle));
    return store;
  }

  /** Host and port. */
  get endpoint(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** How many requests, or connections, had to do with a mood. */
  hitsOf(mood: StoreMood): number {
    return this.hits.get(mood) ?? 0;
  }

  become(mood: StoreMood): void {
    this.mood = mood;
    if (mood === 'away') for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((settle) => this.server.close(settle));
  }

  private count(): void {
    this.hits.set(this.mood, this.hitsOf(this.mood) + 1);
  }

  private take(incoming: IncomingMessage, answer: ServerResponse): void {
    this.count();
    incoming.on('error', () => undefined);
    if (this.mood === 'busy') {
      incoming
        .resume()
        .on('end', () => answer.writeHead(503).end('<Error><Code>SlowDown</Code><Message>slow down</Message></Error>'));
      return;
    }
    if (this.mood === 'slow') setTimeout(() => this.pass(incoming, answer, false), SLOW_MS);
    else this.pass(incoming, answer, this.mood === 'half');
  }

  private pass(incoming: IncomingMessage, answer: ServerResponse, breaksOff: boolean): void {
    const { method, url, headers } = incoming;
    const sent = request({ ...this.target, method, path: url, headers }, (given) => {
      given.on('error', () => answer.destroy());
      answer.writeHead(given.statusCode ?? 502, given.headers);
      relay(given, answer, breaksOff ? () => answer.destroy() : undefined);
    });
    sent.on('error', () => answer.destroy());
    relay(incoming, sent, breaksOff && Number(headers['content-length'] ?? 0) > 0 ? () => answer.destroy() : undefined);
  }
}

/** Passes a body on; with `breakOff` only its first half, or first piece where nobody knows its length. */
function relay(from: IncomingMessage, to: NodeJS.WritableStream, breakOff?: () => void): void {
  if (breakOff === undefined) {
    from.pipe(to);
    return;
  }
  const half = Number(from.headers['content-length'] ?? 0) / 2;
  let passed = 0;
  from.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    to.write(chunk);
    if (passed >= half) breakOff();
  });
  from.on('end', breakOff);
}
