import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { FieldFilter } from '../presentation/field-filter.js';
import { parseListOptions, queryText, type Query as QueryTexts } from '../selection/list-options.js';
import { StreamLimit } from '../streams/stream-limit.js';
import { WatchService } from './watch.service.js';

/** The stream of workflow changes that the CLI's watch and wait and Argo's web page read. */
@Controller('api/v1/workflow-events')
export class EventsController {
  constructor(
    @Inject(StreamLimit) private readonly streams: StreamLimit,
    @Inject(WatchService) private readonly watches: WatchService,
  ) {}

  @Get()
  watchAll(@Query() query: QueryTexts, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.watch('', query, { request, response });
  }

  @Get(':namespace')
  watchNamespace(
    @Param('namespace') namespace: string,
    @Query() query: QueryTexts,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    return this.watch(namespace, query, { request, response });
  }

  private watch(
    namespace: string,
    query: QueryTexts,
    { request, response }: { request: Request; response: Response },
  ): Promise<void> {
    return this.streams.run(request, response, (stream) =>
      this.watches.watch(stream, namespace, parseListOptions(query), new FieldFilter(queryText(query, 'fields'))),
    );
  }
}
