import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import type { Query as QueryTexts } from '../selection/list-options.js';
import { StreamLimit } from '../streams/stream-limit.js';
import { parseLogQuery } from './log-query.js';
import { LogStreamService } from './log-stream.service.js';

interface LogPlace {
  namespace: string;
  name: string;
  podName?: string;
}

/** Log lines as a stream of `{content, podName}`. */
@Controller('api/v1/workflows/:namespace/:name')
export class LogsController {
  constructor(
    @Inject(StreamLimit) private readonly streams: StreamLimit,
    @Inject(LogStreamService) private readonly logs: LogStreamService,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  @Get(['log', ':podName/log'])
  log(@Param() place: LogPlace, @Query() query: QueryTexts, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.streams.run(request, response, (stream) =>
      this.logs.stream(stream, place, parseLogQuery(place.podName, query, this.context.clock.nowMs())),
    );
  }
}
