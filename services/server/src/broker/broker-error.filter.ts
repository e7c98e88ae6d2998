import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { brokerAnswer } from './broker-errors.js';

/** Errors of the broker's routes: with the reason, by which the asking driver knows what to throw. */
@Catch()
export class BrokerErrorFilter implements ExceptionFilter {
  constructor(@Inject(SERVER_CONTEXT) private readonly context: ServerContext) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const { httpStatus, body, unexpected } = brokerAnswer(error);
    const { path } = http.getRequest<Request>();
    if (unexpected) this.context.logger.error('artifact broker: request failed', { path, error });
    if (response.headersSent) response.destroy();
    else response.status(httpStatus).json(body);
  }
}
