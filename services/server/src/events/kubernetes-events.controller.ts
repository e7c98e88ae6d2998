import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { once } from 'node:events';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { queryText, type Query as QueryTexts } from '../selection/list-options.js';
import type { EventStream } from '../streams/event-stream.js';
import { StreamLimit } from '../streams/stream-limit.js';

/** The stream of Kubernetes events that Argo's web page opens beside a workflow. Where there is no cluster it stands and stays empty. */
@Controller('api/v1/stream/events')
export class KubernetesEventsController {
  constructor(
    @Inject(StreamLimit) private readonly streams: StreamLimit,
    @Inject(SERVER_CONTEXT) private readonly context: Pick<ServerContext, 'objects'>,
  ) {}

  @Get()
  watchAll(@Query() query: QueryTexts, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.streams.run(request, response, (stream) => this.tell(stream, '', query));
  }

  @Get(':namespace')
  watchNamespace(
    @Param('namespace') namespace: string,
    @Query() query: QueryTexts,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.streams.run(request, response, (stream) => this.tell(stream, namespace, query));
  }

  private async tell(stream: EventStream, namespace: string, query: QueryTexts): Promise<void> {
    const { objects } = this.context;
    stream.open();
    if (objects !== undefined) {
      const labelSelector = queryText(query, 'listOptions.labelSelector');
      const fieldSelector = queryText(query, 'listOptions.fieldSelector');
      const events = objects.events({ namespace, labelSelector, fieldSelector }, stream.signal);
      for await (const result of events) if (!(await stream.send({ result }))) return;
    }
    if (!stream.signal.aborted) await once(stream.signal, 'abort');
  }
}
