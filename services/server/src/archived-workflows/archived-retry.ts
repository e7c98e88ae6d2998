import { Inject, Injectable } from '@nestjs/common';
import { ExpressionError, matchesFields, parseFieldSelector } from '#libs/expressions';
import { retriedFromArchive, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { z } from 'zod';
import { ApiError } from '../errors/errors.js';
import { SubmissionService } from '../workflows/submission.service.js';

const text = z.string().nullish();

/** Body of the retry requests. */
export const retryBody = z.object({
  nodeFieldSelector: text,
  restartSuccessful: z.boolean().nullish(),
  parameters: z.array(z.string()).nullish(),
});

export interface ArchivedRetryOptions {
  nodeFieldSelector?: string;
  restartSuccessful?: boolean;
  parameters?: string[];
}

/** The fields of nodes that Argo's node field selectors know. */
const fieldsOf = (node: NodeStatus): Record<string, string> => ({
  displayName: node.displayName ?? '',
  templateName: node.templateName ?? '',
  phase: node.phase ?? '',
  name: node.name,
  id: node.id,
  'templateRef.name': node.templateRef?.name ?? '',
  'templateRef.template': node.templateRef?.template ?? '',
  ...Object.fromEntries(
    (node.inputs?.parameters ?? []).map(({ name, value }) => [`inputs.parameters.${name}.value`, value ?? '']),
  ),
});

/**
 * Runs a workflow that only the archive holds again, under its name and as a new object (Argo's RetryArchivedWorkflow): what succeeded
 * stays as it was. ApiError 6 where a workflow of that name lives.
 */
@Injectable()
export class ArchivedRetry {
  constructor(@Inject(SubmissionService) private readonly submission: SubmissionService) {}

  async retry(workflow: Workflow, options: ArchivedRetryOptions, idempotencyKey: string | undefined): Promise<Workflow> {
    const { restartSuccessful, nodeFieldSelector, parameters } = options;
    const isRestarted = restartSuccessful === true && nodeFieldSelector !== undefined;
    const { workflow: again, reuse } = retriedFromArchive(workflow, {
      ...(parameters === undefined ? {} : { parameters }),
      ...(isRestarted ? { restart: restartOf(nodeFieldSelector) } : {}),
    });
    return this.submission.submit(workflow.metadata.namespace ?? '', again, { idempotencyKey, reuse });
  }
}

const restartOf = (selector: string): ((node: NodeStatus) => boolean) => {
  try {
    const requirements = parseFieldSelector(selector);
    return (node) => matchesFields(requirements, fieldsOf(node));
  } catch (error) {
    if (error instanceof ExpressionError) throw new ApiError(3, error.message, { cause: error });
    throw error;
  }
};
