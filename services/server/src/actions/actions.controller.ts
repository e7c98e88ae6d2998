import { Body, Controller, Headers, Inject, Param, Put } from '@nestjs/common';
import type { WorkflowRequest } from '#libs/engine';
import { resubmitted } from '#libs/workflow-spec';
import { z } from 'zod';
import { workflowShape } from '../presentation/wire-shape.js';
import { SubmissionService } from '../workflows/submission.service.js';
import { given, parseBody, resubmitBody } from '../workflows/submit-options.js';
import { WorkflowReader } from '../workflows/workflow-reader.js';
import { ArchivedRetry, retryBody } from '../archived-workflows/archived-retry.js';
import { ActionService } from './action.service.js';
import { assertIdempotencyKey } from './idempotency-key.js';

const text = z.string().nullish();
const selector = { nodeFieldSelector: text };
const bodies = {
  resume: z.object(selector),
  stop: z.object({ ...selector, message: text }),
  set: z.object({ ...selector, message: text, phase: text, outputParameters: text }),
  retry: retryBody,
  resubmit: resubmitBody,
};

type Answer = Promise<Record<string, unknown>>;

/** What can be done to one workflow; each is a request to the scheduler, except resubmit, which makes a new workflow. */
@Controller('api/v1/workflows/:namespace/:name')
export class ActionsController {
  constructor(
    @Inject(ActionService) private readonly actions: ActionService,
    @Inject(SubmissionService) private readonly submission: SubmissionService,
    @Inject(WorkflowReader) private readonly reader: WorkflowReader,
    @Inject(ArchivedRetry) private readonly archived: ArchivedRetry,
  ) {}

  @Put('suspend')
  suspend(@Param() at: Place, @Headers('idempotency-key') key?: string): Answer {
    return this.act(at, { type: 'suspend' }, key);
  }

  @Put('resume')
  resume(@Param() at: Place, @Body() body: unknown, @Headers('idempotency-key') key?: string): Answer {
    return this.act(at, { type: 'resume', ...given(parseBody(bodies.resume, body)) }, key);
  }

  @Put('stop')
  stop(@Param() at: Place, @Body() body: unknown, @Headers('idempotency-key') key?: string): Answer {
    return this.act(at, { type: 'stop', ...given(parseBody(bodies.stop, body)) }, key);
  }

  @Put('terminate')
  terminate(@Param() at: Place, @Headers('idempotency-key') key?: string): Answer {
    return this.act(at, { type: 'terminate' }, key);
  }

  @Put('set')
  set(@Param() at: Place, @Body() body: unknown, @Headers('idempotency-key') key?: string): Answer {
    return this.act(at, { type: 'set', ...given(parseBody(bodies.set, body)) }, key);
  }

  @Put('retry')
  async retry(@Param() at: Place, @Body() body: unknown, @Headers('idempotency-key') key?: string): Answer {
    const options = given(parseBody(bodies.retry, body));
    const found = await this.reader.find(at.namespace, at.name);
    if (found.place === 'live') return this.act(at, { type: 'retry', ...options }, key);
    return workflowShape(await this.archived.retry(found.workflow, options, assertIdempotencyKey(key)));
  }

  @Put('resubmit')
  async resubmit(@Param() at: Place, @Body() body: unknown, @Headers('idempotency-key') key?: string): Answer {
    const { memoized, ...options } = given(parseBody(bodies.resubmit, body));
    const original = await this.reader.get(await this.reader.find(at.namespace, at.name), memoized === true);
    const { workflow, reuse } = resubmitted(original, { memoized: memoized ?? false, ...options });
    const submission = { idempotencyKey: assertIdempotencyKey(key), reuse };
    return workflowShape(await this.submission.submit(at.namespace, workflow, submission));
  }

  private async act(at: Place, request: WorkflowRequest, key: string | undefined): Answer {
    return workflowShape(await this.actions.act(at.namespace, at.name, request, assertIdempotencyKey(key)));
  }
}

/** The workflow that the path names. */
interface Place {
  namespace: string;
  name: string;
}
