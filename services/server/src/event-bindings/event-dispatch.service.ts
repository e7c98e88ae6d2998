import { Inject, Injectable } from '@nestjs/common';
import { evaluateBoolean, ExpressionError, type Scope } from '#libs/expressions';
import { type WorkflowEventBinding, LabelName } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { StoredObjects } from '../templates/stored-objects.js';
import { SubmissionService } from '../workflows/submission.service.js';
import { TemplateSubmission } from '../workflows/template-submission.js';
import { eventScope, type ReceivedEvent } from './event-scope.js';
import { eventWorkflow } from './event-workflow.js';

/** Events in work at one time; beyond it senders are told to come again. */
const MOST_EVENTS = 64;
/** How long a sender waits for its workflows at most; the work goes on. */
const PATIENCE_MS = 8_000;

/**
 * Submits what the bindings of a namespace say of an event. As in Argo the sender hears nothing of a binding that fails (the log
 * does), and each binding stands for itself. The answer comes when the workflows are in the tables, or after some seconds without them.
 */
@Injectable()
export class EventDispatch {
  private inWork = 0;

  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(TemplateSubmission) private readonly templates: TemplateSubmission,
    @Inject(SubmissionService) private readonly submission: SubmissionService,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  async receive(event: ReceivedEvent): Promise<void> {
    if (this.inWork >= MOST_EVENTS) throw new ApiError(14, 'operation queue full');
    this.inWork += 1;
    // What the sender is told of are the bindings: without them nothing can be said of the event.
    const work = this.bindings(event.namespace).then((bindings) => this.dispatchAll(event, bindings));
    const done = work.finally(() => (this.inWork -= 1));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)));
    try {
      await Promise.race([done, patience]);
    } finally {
      clearTimeout(timer);
      done.catch((error: unknown) => this.warn(event, '', error));
    }
  }

  private async bindings(namespace: string): Promise<WorkflowEventBinding[]> {
    const { items } = await this.objects.list('WorkflowEventBinding', namespace);
    const { instanceId } = this.context.config;
    return items
      .filter(({ metadata }) => metadata.labels?.[LabelName.controllerInstanceId] === instanceId)
      .map((item) => item as unknown as WorkflowEventBinding);
  }

  private async dispatchAll(event: ReceivedEvent, bindings: readonly WorkflowEventBinding[]): Promise<void> {
    const scope = eventScope(event);
    await Promise.all(
      bindings.map((binding) =>
        this.dispatch(event, binding, scope).catch((error: unknown) => this.warn(event, binding.metadata.name ?? '', error)),
      ),
    );
  }

  private async dispatch(event: ReceivedEvent, binding: WorkflowEventBinding, scope: Scope): Promise<void> {
    const { submit } = binding.spec;
    if (!matches(binding, scope) || submit === undefined) return;
    const { name = '', clusterScope } = submit.workflowTemplateRef ?? {};
    const kind = clusterScope === true ? 'ClusterWorkflowTemplate' : 'WorkflowTemplate';
    const template = await this.templates.workflowFor(event.namespace, kind, name, {});
    const { metadata } = await this.submission.submit(event.namespace, eventWorkflow(template, binding, scope));
    this.context.logger.info('an event has submitted a workflow', {
      namespace: event.namespace,
      binding: binding.metadata.name,
      workflow: metadata.name,
    });
  }

  private warn({ namespace, discriminator }: ReceivedEvent, binding: string, error: unknown): void {
    this.context.logger.warn('failed to dispatch event', {
      namespace,
      discriminator,
      binding,
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

const matches = ({ spec }: WorkflowEventBinding, scope: Scope): boolean => {
  try {
    return evaluateBoolean(spec.event?.selector ?? '', scope);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ApiError(3, `failed to evaluate workflow template expression: ${error.message}`, { cause: error });
  }
};
