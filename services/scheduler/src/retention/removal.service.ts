import type { JobOutcome } from '#libs/jobs';
import type { LockRepository, RetentionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { POD_BUCKETS } from '#libs/jobs';
import type { LockHolders } from '../intake/lock-holders.js';
import type { ObjectWithdrawal } from './object-withdrawal.js';
import type { CommandDispatcher } from '../reconcile/command-dispatcher.js';

/** Steps in one job; a large workflow goes on in the next one. */
const STEPS_PER_JOB = 50;
/** Between two looks at somebody else's part of the work. */
const LOOK_AGAIN_MS = 1000;

const ALL_BUCKETS = Array.from({ length: POD_BUCKETS }, (_, bucket) => bucket);

export interface RemovalPorts {
  retention: Pick<RetentionRepository, 'step'>;
  locks: Pick<LockRepository, 'releaseAll' | 'isUsed'>;
  /** Those who hold locks as their objects say; absent: there is no cluster. */
  holders?: Pick<LockHolders, 'areKnown'> | undefined;
  dispatcher: CommandDispatcher;
  clock: Clock;
  /** Takes the object off the cluster; absent: there is none. */
  withdrawal?: Pick<ObjectWithdrawal, 'begin' | 'end'> | undefined;
}

/**
 * Removes a workflow whose deletion was asked for, a step at a time: pods, record, archive, artifact GC, and its own rows last.
 * Every step finds in the tables where the last one stopped, so dying anywhere is harmless.
 */
export class RemovalService {
  constructor(private readonly ports: RemovalPorts) {}

  async advance(uid: string): Promise<JobOutcome> {
    const { retention, dispatcher, clock, withdrawal } = this.ports;
    await withdrawal?.begin(uid);
    for (let step = 0; step < STEPS_PER_JOB; step += 1) {
      const outcome = await retention.step(uid, { nowMs: clock.nowMs() });
      if (outcome !== 'waiting-pods' && outcome !== 'more') await this.letGo(uid);
      switch (outcome) {
        case 'gone':
          await withdrawal?.end(uid);
          return undefined;
        case 'more':
          continue;
        case 'waiting-pods':
        case 'waiting-gc':
          await dispatcher.deleting(uid, outcome === 'waiting-pods' ? ALL_BUCKETS : []);
          return { wakeAtMs: clock.nowMs() + LOOK_AGAIN_MS };
        case 'waiting-archive':
          await dispatcher.archiving(uid);
          return { wakeAtMs: clock.nowMs() + LOOK_AGAIN_MS };
      }
    }
    return { again: true };
  }

  /** Its pods are gone, so others may have its locks. Dying before this, or where nobody gets a lock now, the sweep of admission does it. */
  private async letGo(uid: string): Promise<void> {
    const { locks, holders, dispatcher, clock } = this.ports;
    if (holders !== undefined && (await locks.isUsed()) && !(await holders.areKnown())) return;
    const told = await locks.releaseAll(uid, clock.nowMs());
    if (told.length > 0) await dispatcher.told(told);
  }
}
