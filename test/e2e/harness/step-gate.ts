import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** The script of a step that runs until the gate opens; pods share the network of the host, and bash speaks TCP. */
export const waitAtGate = (port: string): string => `exec 3<>/dev/tcp/127.0.0.1/${port} && read -r opened <&3`;

/** Holds steps back until a test lets them go, instead of letting them sleep for longer than the test could take. */
export class StepGate {
  private readonly waiting = new Set<Socket>();
  private isOpen = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      if (this.isOpen) socket.end('go\n');
      else this.waiting.add(socket);
    });
  }

  static async listen(): Promise<StepGate> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StepGate(server, (server.address() as AddressInfo).port);
  }

  /** Lets those go that wait and all that come later. */
  open(): void {
    this.isOpen = true;
    for (const socket of this.waiting) socket.end('go\n');
    this.waiting.clear();
  }

  async close(): Promise<void> {
    this.open();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}
