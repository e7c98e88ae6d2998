import { All, Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { hasAuthorizationHeader } from '../auth/bearer-token.js';
import { NotServedError } from '../errors/errors.js';
import { StoredObjects } from '../templates/stored-objects.js';

/** Routes of Argo's API that are known but not served: each says by name what is missing. */
@Controller()
export class NotYetController {
  constructor(@Inject(StoredObjects) private readonly objects: StoredObjects) {}

  /** No webhook clients can be configured yet, so as in Argo an event without a credential is refused. */
  @Post('api/v1/events/{*path}')
  events(@Req() request: Request, @Res() response: Response): void {
    if (hasAuthorizationHeader(request)) throw new NotServedError('receiving events is');
    response
      .status(403)
      .type('text/plain; charset=utf-8')
      .send(JSON.stringify({ message: 'failed to process webhook request' }));
  }

  @Get(['api/v1/workflow-event-bindings', 'api/v1/workflow-event-bindings/:namespace'])
  async eventBindings(@Req() request: Request): Promise<Record<string, unknown>> {
    const namespace = request.params['namespace'];
    const page = await this.objects.list('WorkflowEventBinding', typeof namespace === 'string' ? namespace : '');
    return { metadata: { resourceVersion: page.resourceVersion }, items: page.items.length === 0 ? null : page.items };
  }

  @All(['api/v1/event-sources/{*path}', 'api/v1/stream/event-sources/{*path}'])
  eventSources(): never {
    throw new NotServedError('event sources are');
  }

  @All(['api/v1/sensors/{*path}', 'api/v1/stream/sensors/{*path}'])
  sensors(): never {
    throw new NotServedError('sensors are');
  }

  @All(['api/v1/stream/events', 'api/v1/stream/events/{*path}'])
  kubernetesEvents(): never {
    throw new NotServedError('the stream of Kubernetes events is');
  }

  @All('upload-artifacts/{*path}')
  uploads(): never {
    throw new NotServedError('uploading artifacts is');
  }

  @All('oauth2/{*path}')
  singleSignOn(): never {
    throw new NotServedError('single sign-on is');
  }
}
