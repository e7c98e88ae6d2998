import type { AddressInfo } from 'node:net';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import { hasAuthorizationHeader, requireBearerToken } from './auth/bearer-token.js';
import { BROKER_PATH } from './broker/broker-orders.js';
import { guardAgainstBrowsers } from './auth/browser-guard.js';
import { assertSafeListenAddress } from './auth/loopback.js';
import { jsonBody } from './http/json-body.js';
import type { ServerPorts } from './ports.js';
import type { ServerConfig } from './server.config.js';
import { ServerModule } from './server.module.js';

/** Answered without a credential: they say nothing but whether the program is well. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/**
 * What must stand on the Express application itself and not in the module: who may ask at all, the size and form of bodies, the
 * dashboards. The application is created with `bodyParser: false`, so that nothing is read before it is known to be allowed.
 */
export function configureServerApp(app: INestApplication, ports: Pick<ServerPorts, 'config' | 'queueBoard'>): void {
  const express = app as NestExpressApplication;
  const { config, queueBoard } = ports;
  const token = config.authToken?.reveal();
  express.disable('x-powered-by');
  // Flat keys (`listOptions.limit`), no nested objects: the simple parser is what Argo's clients need.
  express.set('query parser', 'simple');
  express.use(guardAgainstBrowsers({ loopbackOnly: token === undefined }));
  if (token !== undefined) {
    const check = requireBearerToken(token);
    express.use((request: Request, response: Response, next: NextFunction): void => {
      if (OPEN_PATHS.has(request.path) || isSignedEvent(request) || isOfBroker(request)) next();
      else void check(request, response, next);
    });
  }
  if (queueBoard !== undefined) express.use('/queues', queueBoard);
  express.use(jsonBody(config.maxBodyBytes));
}

/** An event without a token: whoever takes it in asks for the signature of a webhook client. */
const isSignedEvent = (request: Request): boolean =>
  request.method === 'POST' && request.path.startsWith('/api/v1/events/') && !hasAuthorizationHeader(request);

/** Pods show tokens of their own there. */
const isOfBroker = (request: Request): boolean => request.path.startsWith(`${BROKER_PATH}/`);

export interface RunningServer {
  /** The port that it listens on. */
  port: number;
  close(): Promise<void>;
}

/** Starts the API as the only thing in this process; resolves when it listens, whether or not the database is there. */
export async function startServer(ports: ServerPorts, logger: LoggerService | false = false): Promise<RunningServer> {
  const address = listenAddress(ports.config);
  const app = await NestFactory.create<NestExpressApplication>(ServerModule.register(ports), {
    bodyParser: false,
    logger,
    abortOnError: false,
  });
  configureServerApp(app, ports);
  await app.listen(ports.config.port, address);
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { port, close: () => app.close() };
}

/** Where to listen: loopback without a token, everywhere with one, unless said otherwise. ServerStartError where that would be unsafe. */
export function listenAddress(config: ServerConfig): string {
  const token = config.authToken?.reveal();
  const address = config.host ?? (token === undefined ? '127.0.0.1' : '0.0.0.0');
  assertSafeListenAddress(address, token);
  return address;
}
