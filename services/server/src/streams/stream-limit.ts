import { Inject, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { apiStatusOf } from '../errors/api-status.js';
import { ApiError } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { EventStream } from './event-stream.js';

/** Opens streams, at most `maxStreams` at one time in this process, and ends each with what became of it. */
@Injectable()
export class StreamLimit {
  private readonly open = new Set<EventStream>();

  constructor(@Inject(SERVER_CONTEXT) private readonly context: ServerContext) {}

  /** Runs `work` with a stream for this request; resolves when the stream has ended. Never rejects. */
  async run(request: Request, response: Response, work: (stream: EventStream) => Promise<void>): Promise<void> {
    const stream = new EventStream(request, response, this.context.config.keepAliveMs);
    if (this.open.size >= this.context.config.maxStreams)
      return stream.fail(new ApiError(8, 'too many open streams, try again later'));
    this.open.add(stream);
    try {
      await work(stream);
      stream.end();
    } catch (error) {
      if (apiStatusOf(error).unexpected) this.context.logger.error('stream failed', { path: request.path, error });
      await stream.fail(error);
    } finally {
      this.open.delete(stream);
    }
  }

  /** Ends every stream, so that the program can stop. */
  onApplicationShutdown(): void {
    for (const stream of this.open) stream.end();
  }

  beforeApplicationShutdown(): void {
    this.onApplicationShutdown();
  }
}
