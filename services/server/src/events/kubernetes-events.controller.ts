import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { once } from 'node:events';
import { StreamLimit } from '../streams/stream-limit.js';

/**
 * The stream of Kubernetes events that Argo's web page opens beside a workflow. Nobody writes such events where there is no cluster:
 * the stream stands and stays empty.
 */
@Controller('api/v1/stream/events')
export class KubernetesEventsController {
  constructor(@Inject(StreamLimit) private readonly streams: StreamLimit) {}

  @Get(['', ':namespace'])
  watch(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.streams.run(request, response, async (stream) => {
      stream.open();
      if (!stream.signal.aborted) await once(stream.signal, 'abort');
    });
  }
}
