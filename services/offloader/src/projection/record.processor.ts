import { Controller, Inject } from '@nestjs/common';
import { type JobOutcome, RecordJob } from '#libs/jobs';
import { HandlesJob } from '#libs/queue';
import { ProjectionService } from './projection.service.js';

/** Takes hints of the queue `record`. */
@Controller()
export class RecordProcessor {
  constructor(@Inject(ProjectionService) private readonly projection: ProjectionService) {}

  @HandlesJob(RecordJob)
  async handle({ workflow }: { workflow: string }): Promise<JobOutcome> {
    return this.projection.project(workflow);
  }
}
