import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

import { type Metrics } from './metrics.js';
import { type Readiness } from './readiness.js';

export interface HealthServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

/**
 * A small HTTP server beside the program's work: /metrics (Prometheus), /healthz (the process answers) and /readyz (what it
 * needs can be used; 503 where not). It never holds the process alive.
 */
export class HealthServer {
  private server: Server | undefined;

  constructor(private readonly options: HealthServerOptions) {}

  /** Listens and answers the port; rejects where the port is taken. */
  async start(): Promise<number> {
    const server = createServer((request, response) => {
      this.answer(request.url ?? '/', response).catch(() => send(response, 500, 'internal error\n'));
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.options.port, () => resolve());
    });
    server.unref();
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private async answer(url: string, response: ServerResponse): Promise<void> {
    const { metrics, readiness } = this.options;
    const path = url.split('?')[0];
    if (path === '/healthz') return send(response, 200, 'ok\n');
    if (path === '/metrics') return send(response, 200, await metrics.text(), metrics.contentType);
    if (path !== '/readyz') return send(response, 404, 'not found\n');
    const report = await readiness.report();
    return send(response, report.ready ? 200 : 503, `${JSON.stringify(report)}\n`, 'application/json');
  }
}

function send(response: ServerResponse, status: number, body: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType });
  response.end(body);
}
