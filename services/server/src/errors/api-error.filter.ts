import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { apiStatusOf } from './api-status.js';

/** The only place where an error becomes an answer of the API. After the headers are sent nothing can be said but the end of the connection. */
@Catch()
export class ApiErrorFilter implements ExceptionFilter {
  constructor(@Inject(SERVER_CONTEXT) private readonly context: ServerContext) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const status = apiStatusOf(error);
    if (status.unexpected) this.context.logger.error('request failed', { method: request.method, path: request.path, error });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (isOfArtifacts(request.path)) response.status(status.httpStatus).type('text/plain').send(`${status.body.message}\n`);
    else response.status(status.httpStatus).json(status.body);
  }
}

/** Routes that are no part of Argo's gateway: they answer errors as plain text. */
const isOfArtifacts = (path: string): boolean =>
  /^\/(?:artifacts|artifacts-by-uid|input-artifacts|input-artifacts-by-uid|artifact-files|upload-artifacts)\//.test(path);
