import type { LimitKey } from '#libs/engine';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { PeriodicTask, type SweepLease } from '#libs/queue';
import type { AdmissionRepository, LockRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import type { LockHolders } from '../intake/lock-holders.js';
import type { ParallelismSource } from './parallelism.js';

export interface AdmissionTimerOptions {
  locks: LockRepository;
  /** Those who hold locks as their objects say; absent: there is no cluster. */
  holders?: Pick<LockHolders, 'areKnown'> | undefined;
  admission: AdmissionRepository;
  /** The present value of a limit as it is written; undefined where it is not, or is no number. */
  readLimit: (key: LimitKey) => Promise<number | undefined>;
  parallelism: ParallelismSource;
  queue: JobQueue;
  lease: SweepLease;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

/** Locks that nobody wanted for so long are forgotten. */
const IDLE_MS = 60_000;

/**
 * What no event tells: limits that were changed where they are written, holders that have ended or were deleted, permits that a crash left
 * ungiven. One scheduler at a time looks; two at once would do no harm. Without locks and limits a look is two small reads.
 */
export const admissionTimer = (options: AdmissionTimerOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'admission',
    intervalMs: options.intervalMs,
    logger: options.logger,
    lease: options.lease,
    run: () => sweepAdmission(options),
  });

/** One look; wakes the workflows that got something. */
export async function sweepAdmission(options: AdmissionTimerOptions): Promise<void> {
  const { locks, admission, parallelism, queue, clock } = options;
  const wake = new Set<string>();
  const note = (uids: readonly string[]): void => uids.forEach((uid) => wake.add(uid));
  if ((await locks.isUsed()) && (await options.holders?.areKnown()) !== false) {
    for (const workflow of await locks.ofEndedWorkflows()) note(await locks.releaseAll(workflow, clock.nowMs()));
    note(await followLimits(options));
    note(await locks.grant(await locks.withRoom(), clock.nowMs()));
    await locks.forgetIdle(clock.nowMs() - IDLE_MS);
  }
  note(await admission.settle(parallelism.current(), clock.nowMs()));
  if (wake.size > 0)
    await queue.wakeMany(
      WorkflowJob,
      [...wake].map((workflow) => ({ workflow })),
    );
}

/** A limit that cannot be read any more stays as it was. */
async function followLimits({ locks, readLimit, clock }: AdmissionTimerOptions): Promise<string[]> {
  const wake: string[] = [];
  let page = await locks.waitedFor();
  while (page.length > 0) {
    for (const { name, limit, source } of page) {
      const written = await readLimit(source);
      if (written !== undefined && written !== limit) wake.push(...(await locks.setLimit(name, written, clock.nowMs())));
    }
    page = await locks.waitedFor(page.at(-1)?.name);
  }
  return wake;
}
