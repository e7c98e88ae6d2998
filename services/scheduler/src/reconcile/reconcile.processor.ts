import { Controller, Inject } from '@nestjs/common';
import { type JobOutcome, WorkflowJob } from '#libs/jobs';
import { HandlesJob } from '#libs/queue';
import { ReconcileService } from './reconcile.service.js';

/** Takes hints of the queue `workflow`. */
@Controller()
export class ReconcileProcessor {
  constructor(@Inject(ReconcileService) private readonly reconciler: ReconcileService) {}

  @HandlesJob(WorkflowJob)
  async handle({ workflow }: { workflow: string }): Promise<JobOutcome> {
    return this.reconciler.reconcile(workflow);
  }
}
