import { Body, Controller, Headers, HttpCode, Inject, Param, Post, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import type { Workflow } from '#libs/workflow-spec';
import { assertIdempotencyKey } from '../actions/idempotency-key.js';
import { ApiError } from '../errors/errors.js';
import { workflowShape } from '../presentation/wire-shape.js';
import { assertMetadataTexts, memberOf } from './object-shape.js';
import { SubmissionService } from './submission.service.js';
import { RuntimeGuard } from './runtime-guard.js';
import { parseBody, submitOptionsSchema, workflowOptions } from './submit-options.js';
import { TemplateSubmission } from './template-submission.js';
import { WorkflowChecker } from './workflow-checker.js';

const createOptions = z.object({ dryRun: z.array(z.string()).nullish() }).nullish();
const createBody = z.object({ namespace: z.string().optional(), serverDryRun: z.boolean().optional(), createOptions });
const submitBody = z.object({
  namespace: z.string().optional(),
  resourceKind: z.string().default(''),
  resourceName: z.string().default(''),
  submitOptions: submitOptionsSchema.nullish(),
});

type Answer = Record<string, unknown>;

const dryRunOf = (options: { client: boolean; server: boolean }): { dryRun?: 'client' | 'server' } => {
  if (options.client) return { dryRun: 'client' };
  return options.server ? { dryRun: 'server' } : {};
};

/** RFC 7234: 299 is a warning that stands by itself, `-` a host that is not named. Header values are ASCII. */
const warningHeader = (text: string): string => {
  const ascii = text.slice(0, 300).replaceAll(/[^ -~]/g, '?');
  return `299 - "${ascii.replaceAll('"', "'").replaceAll('\\', '/')}"`;
};

/** New workflows: as a whole object, from a template, or only checked. */
@Controller('api/v1/workflows/:namespace')
export class SubmissionController {
  constructor(
    @Inject(SubmissionService) private readonly submission: SubmissionService,
    @Inject(TemplateSubmission) private readonly templates: TemplateSubmission,
    @Inject(WorkflowChecker) private readonly checker: WorkflowChecker,
    @Inject(RuntimeGuard) private readonly guard: RuntimeGuard,
  ) {}

  @Post()
  @HttpCode(200)
  async create(
    @Param('namespace') namespace: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: Response,
    @Headers('idempotency-key') key?: string,
  ): Promise<Answer> {
    const request = parseBody(createBody, body);
    const workflow = await this.written(namespace, body, response);
    const options = {
      ...dryRunOf({ client: (request.createOptions?.dryRun?.length ?? 0) > 0, server: request.serverDryRun === true }),
      idempotencyKey: assertIdempotencyKey(key),
    };
    return workflowShape(await this.submission.submit(namespace, workflow, options));
  }

  @Post('lint')
  @HttpCode(200)
  async lint(
    @Param('namespace') namespace: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Answer> {
    return workflowShape(await this.checker.lint(await this.written(namespace, body, response)));
  }

  @Post('submit')
  @HttpCode(200)
  async submit(
    @Param('namespace') namespace: string,
    @Body() body: unknown,
    @Headers('idempotency-key') key?: string,
  ): Promise<Answer> {
    const request = parseBody(submitBody, body);
    const options = request.submitOptions ?? {};
    const workflow = await this.templates.workflowFor(
      namespace,
      request.resourceKind,
      request.resourceName,
      workflowOptions(options),
    );
    const submission = {
      ...dryRunOf({ client: options.dryRun === true, server: options.serverDryRun === true }),
      idempotencyKey: assertIdempotencyKey(key),
    };
    return workflowShape(await this.submission.submit(namespace, workflow, submission));
  }

  /** The workflow of a body; what of it may have no effect is said in `Warning` headers, as Kubernetes does. */
  private async written(namespace: string, body: unknown, response: Response): Promise<Workflow> {
    const { workflow, warnings } = this.checker.read(this.writtenWorkflow(body), namespace);
    if (warnings.length > 0 && (await this.guard.isPlacementIdle())) response.append('Warning', warnings.map(warningHeader));
    return workflow;
  }

  private writtenWorkflow(body: unknown): unknown {
    const written = memberOf(body, 'workflow');
    if (written === undefined || written === null) throw new ApiError(3, 'workflow body not specified');
    assertMetadataTexts(written, 'workflow');
    return written;
  }
}
