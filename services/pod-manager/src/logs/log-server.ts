import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { timingSafeEqual } from 'node:crypto';
import type { Logger } from '#libs/observability';
import type { LogOptions, PodIdentity, PodRuntime } from '#libs/runtimes';
import { z } from 'zod';

const count = z.coerce.number().int().min(0);
const querySchema = z.object({
  workflow: z.string().min(1),
  node: z.string().min(1),
  incarnation: count,
  container: z.string().min(1).default('main'),
  follow: z.enum(['true', 'false']).default('false'),
  tail: count.optional(),
  since: count.optional(),
});

export interface LogServerOptions {
  runtime: Pick<PodRuntime, 'logs'>;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Callers must present it as bearer token; absent: none is asked for, and the address should be a private one. */
  token?: string | undefined;
  logger: Logger;
}

/**
 * Serves the logs of this host's pods to the API server: `GET /logs?workflow&node&incarnation…` as one JSON object per line.
 * Reads no faster than the caller takes it, so a slow reader costs no memory; nothing here touches the pod itself.
 */
export class LogServer {
  private server: Server | undefined;

  constructor(private readonly options: LogServerOptions) {}

  /** Resolves with the port once it listens. */
  async start(): Promise<number> {
    const server = createServer((request, response) => void this.answer(request, response));
    this.server = server;
    server.listen(this.options.port, this.options.host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://pod-manager');
    if (!this.isAllowed(request)) return refuse(response, 401, 'the token of this installation is required');
    if (request.method !== 'GET' || url.pathname !== '/logs')
      return refuse(response, 404, `there is no ${request.method} ${url.pathname}`);
    const query = querySchema.safeParse(Object.fromEntries(url.searchParams));
    if (!query.success) return refuse(response, 400, z.prettifyError(query.error));
    const { workflow, node, incarnation, container, follow, tail, since } = query.data;
    const abort = new AbortController();
    response.on('close', () => abort.abort());
    const options: LogOptions = {
      container,
      follow: follow === 'true',
      signal: abort.signal,
      ...(tail === undefined ? {} : { tailLines: tail }),
      ...(since === undefined ? {} : { sinceMs: since }),
    };
    await this.stream({ workflowUid: workflow, nodeId: node, incarnation }, options, response);
  }

  private async stream(identity: PodIdentity, options: LogOptions, response: ServerResponse): Promise<void> {
    try {
      for await (const { atMs, text, endByte } of this.options.runtime.logs(identity, options)) {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        if (!response.write(`${JSON.stringify({ atMs, text, endByte })}\n`))
          await Promise.race([once(response, 'drain'), once(response, 'close')]);
        if (response.destroyed) return;
      }
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.end();
    } catch (error) {
      if (response.destroyed) return;
      const message = error instanceof Error ? error.message : String(error);
      this.options.logger.debug('logs of a pod could not be read', { node: identity.nodeId, error: message });
      if (response.headersSent) response.destroy();
      else refuse(response, 404, message);
    }
  }

  private isAllowed(request: IncomingMessage): boolean {
    const { token } = this.options;
    if (token === undefined) return true;
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

const refuse = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message }));
};
