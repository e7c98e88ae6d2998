import { Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { hasAuthorizationHeader } from '../auth/bearer-token.js';
import { ApiError } from '../errors/errors.js';
import { parseJsonBody } from '../http/json-body.js';
import { parseListOptions, type Query as QueryTexts } from '../selection/list-options.js';
import { StoredObjects } from '../templates/stored-objects.js';
import { assertNamespace } from '../workflows/workflow-names.js';
import { EventDispatch } from './event-dispatch.service.js';
import { WebhookClients } from './webhook-clients.js';

/** As Argo takes from webhooks. */
const MAX_EVENT_BYTES = 2 * 1024 * 1024;

/** Events of other programs, and the bindings that make workflows of them. */
@Controller('api/v1')
export class EventBindingsController {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(EventDispatch) private readonly events: EventDispatch,
    @Inject(WebhookClients) private readonly webhooks: WebhookClients,
  ) {}

  /** Any JSON, of any content type, with a token or signed by a webhook client; all else is refused in Argo's words. */
  @Post(['events/:namespace', 'events/:namespace/:discriminator'])
  async receive(@Req() request: Request, @Res() response: Response): Promise<void> {
    const { namespace = '', discriminator = '' } = request.params as { namespace?: string; discriminator?: string };
    assertNamespace(namespace);
    const body = await bodyOf(request);
    const header = (name: string): string | undefined => request.header(name);
    if (!hasAuthorizationHeader(request) && (await this.webhooks.senderOf({ namespace, body, header })) === undefined) {
      response
        .status(403)
        .type('text/plain; charset=utf-8')
        .send(JSON.stringify({ message: 'failed to process webhook request' }));
      return;
    }
    const payload = parseJsonBody(body.toString('utf8'));
    await this.events.receive({ namespace, discriminator, payload, headers: request.headers });
    response.status(200).json({});
  }

  @Get(['workflow-event-bindings', 'workflow-event-bindings/:namespace'])
  async list(@Req() request: Request, @Query() query: QueryTexts): Promise<Record<string, unknown>> {
    const { namespace } = request.params;
    const { labelSelector, limit, continueToken } = parseListOptions(query);
    const page = await this.objects.list('WorkflowEventBinding', typeof namespace === 'string' ? namespace : '', {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(limit === undefined || limit === 0 ? {} : { limit }),
      ...(continueToken === undefined ? {} : { continueToken }),
    });
    const items = page.items.map(({ apiVersion: _apiVersion, kind: _kind, ...item }) => item);
    const next = page.continueToken === undefined ? {} : { continue: page.continueToken };
    return { metadata: { resourceVersion: page.resourceVersion, ...next }, items: items.length === 0 ? null : items };
  }
}

/** The body was left unread until it was known that its sender may send; see `jsonBody`. */
async function bodyOf(request: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_EVENT_BYTES) throw new ApiError(3, `body is larger than ${MAX_EVENT_BYTES} bytes`, { httpStatus: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
