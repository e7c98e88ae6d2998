import { Controller, Inject } from '@nestjs/common';
import { type JobOutcome, PodJob } from '#libs/jobs';
import type { PodBucket } from '#libs/store';
import { HandlesJob } from '#libs/queue';
import type { PodConvergenceService } from './pod-convergence.service.js';

/** Those who look at a bucket, one after the other. */
export const CONVERGENCES = Symbol('pod-convergences');

/** Takes hints of the queue `pod`. */
@Controller()
export class PodProcessor {
  constructor(@Inject(CONVERGENCES) private readonly convergences: readonly Pick<PodConvergenceService, 'converge'>[]) {}

  @HandlesJob(PodJob)
  async handle({ workflow, bucket }: { workflow: string; bucket: number }): Promise<JobOutcome> {
    const outcomes: JobOutcome[] = [];
    for (const convergence of this.convergences)
      outcomes.push(await convergence.converge({ workflow, bucket } satisfies PodBucket));
    return soonest(outcomes);
  }
}

/** What wants to go on now goes before what wants to later. */
const soonest = (outcomes: readonly JobOutcome[]): JobOutcome => {
  const wishes = outcomes.filter((outcome) => outcome !== undefined);
  const times = wishes.flatMap((wish) => ('wakeAtMs' in wish ? wish.wakeAtMs : []));
  return wishes.find((wish) => 'again' in wish) ?? (times.length === 0 ? undefined : { wakeAtMs: Math.min(...times) });
};
