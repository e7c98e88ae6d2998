import { Inject, Injectable } from '@nestjs/common';
import {
  applySubmitOptions,
  workflowFromCron,
  workflowFromTemplate,
  type CronWorkflow,
  type SubmitOptions,
  type Workflow,
} from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { StoredObjects } from '../templates/stored-objects.js';

const TEMPLATE_KINDS = new Set(['workflowtemplate', 'workflowtemplates', 'wftmpl']);
const CLUSTER_TEMPLATE_KINDS = new Set(['clusterworkflowtemplate', 'clusterworkflowtemplates', 'cwft', 'cwftmpl']);
const CRON_KINDS = new Set(['cronworkflow', 'cronworkflows', 'cronwf', 'cwf']);

/** Makes the workflow of `submit --from kind/name`; the kind's singular, plural and short names are the same. */
@Injectable()
export class TemplateSubmission {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  async workflowFor(namespace: string, kind: string, name: string, options: SubmitOptions): Promise<Workflow> {
    return applySubmitOptions(await this.base(namespace, kind, name), options);
  }

  private async base(namespace: string, kind: string, name: string): Promise<Workflow> {
    const normalised = kind.toLowerCase();
    if (TEMPLATE_KINDS.has(normalised)) {
      await this.objects.get('WorkflowTemplate', namespace, name);
      return workflowFromTemplate(name, false);
    }
    if (CLUSTER_TEMPLATE_KINDS.has(normalised)) {
      await this.objects.get('ClusterWorkflowTemplate', '', name);
      return workflowFromTemplate(name, true);
    }
    if (CRON_KINDS.has(normalised)) {
      const cron = await this.objects.get('CronWorkflow', namespace, name);
      return workflowFromCron(cron as unknown as CronWorkflow, this.context.clock.nowMs());
    }
    throw new ApiError(3, `Resource kind '${kind.slice(0, 100)}' is not supported for submitting`);
  }
}
