import { Controller, Inject } from '@nestjs/common';
import { type JobOutcome, PodJob } from '#libs/jobs';
import { HandlesJob } from '#libs/queue';
import { PodConvergenceService } from './pod-convergence.service.js';

/** Takes hints of the queue `pod`. */
@Controller()
export class PodProcessor {
  constructor(@Inject(PodConvergenceService) private readonly convergence: PodConvergenceService) {}

  @HandlesJob(PodJob)
  async handle({ workflow, bucket }: { workflow: string; bucket: number }): Promise<JobOutcome> {
    return this.convergence.converge({ workflow, bucket });
  }
}
