import { appendFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/**
 * Where the steps of a test leave their mark: each connects, sends one line that says who it is, and goes on once it reads `ok`. The
 * line is then in a file outside of all pods, so that a step that ran twice shows.
 */
export class StepJournal {
  private readonly counts = new Map<string, number>();
  private readonly inOrder: string[] = [];
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  constructor(private readonly file: string) {}

  /** On an address of this machine that the steps reach. */
  async start(address = '127.0.0.1'): Promise<void> {
    const server = createServer((socket) => this.serve(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  }

  get port(): number {
    return (this.server?.address() as AddressInfo).port;
  }

  /** Lines so far, by their text. */
  get lines(): ReadonlyMap<string, number> {
    return this.counts;
  }

  /** Lines in the order in which they came. */
  get order(): readonly string[] {
    return this.inOrder;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  private serve(socket: Socket): void {
    let received = '';
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const end = received.indexOf('\n');
      if (end < 0) return;
      this.note(received.slice(0, end));
      received = received.slice(end + 1);
      socket.end('ok\n');
    });
  }

  private note(line: string): void {
    appendFileSync(this.file, `${line}\n`);
    this.counts.set(line, (this.counts.get(line) ?? 0) + 1);
    this.inOrder.push(line);
  }
}
