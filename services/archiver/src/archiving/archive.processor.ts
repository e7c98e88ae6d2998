import { Controller, Inject } from '@nestjs/common';
import { ArchiveJob, type JobOutcome } from '#libs/jobs';
import { HandlesJob } from '#libs/queue';
import { ArchivingService } from './archiving.service.js';

/** Takes hints of the queue `archive`. */
@Controller()
export class ArchiveProcessor {
  constructor(@Inject(ArchivingService) private readonly archiving: ArchivingService) {}

  @HandlesJob(ArchiveJob)
  async handle({ workflow }: { workflow: string }): Promise<JobOutcome> {
    await this.archiving.archive(workflow);
    return undefined;
  }
}
