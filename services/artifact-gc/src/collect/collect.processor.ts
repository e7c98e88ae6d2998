import { Controller, Inject } from '@nestjs/common';

import { ArtifactGcJob, type JobOutcome } from '#libs/jobs';
import { HandlesJob } from '#libs/queue';

import { CollectorService } from './collector.service.js';

/** Takes hints of the queue `artifact-gc`. */
@Controller()
export class CollectProcessor {
  constructor(@Inject(CollectorService) private readonly collector: CollectorService) {}

  @HandlesJob(ArtifactGcJob)
  async handle({ workflow }: { workflow: string }): Promise<JobOutcome> {
    return this.collector.collect(workflow);
  }
}
