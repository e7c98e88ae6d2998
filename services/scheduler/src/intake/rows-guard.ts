import type { SubmittedWorkflow } from '#libs/engine';
import { parseTime } from '#libs/workflow-spec';
import type { LockHolders } from './lock-holders.js';
import { namesLocks } from './lock-wishes.js';
import type { TakeoverService } from './takeover.service.js';

/** Workflows that need not be looked up again. */
const MOST_CONFIRMED = 100_000;
/** Clocks of the cluster and of this machine may differ by so much. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * Says, before anything is decided about a workflow, whether its rows are as new as its object. A database is put back while the services are
 * stopped, so each is asked once in the life of this process, and none that was made within it.
 */
export class RowsGuard {
  private readonly confirmed = new Set<string>();

  constructor(
    private readonly takeover: Pick<TakeoverService, 'confirm'>,
    private readonly holders: Pick<LockHolders, 'settle'>,
    private readonly startedAtMs: number,
  ) {}

  /** `overtaken`: the rows were older, and have been put right; what was read of them is to be read again. */
  async confirm({ metadata, spec }: SubmittedWorkflow): Promise<'current' | 'overtaken'> {
    const { uid = '', namespace = '', name = '', creationTimestamp } = metadata;
    if (this.confirmed.has(uid)) return 'current';
    // What it gives back or asks for decides about others too.
    if (namesLocks(spec)) await this.holders.settle();
    const isNew = typeof creationTimestamp === 'string' && parseTime(creationTimestamp) > this.startedAtMs + CLOCK_TOLERANCE_MS;
    const outcome = isNew ? 'current' : await this.takeover.confirm({ uid, namespace, name });
    this.confirmed.add(uid);
    for (const oldest of this.confirmed) {
      if (this.confirmed.size <= MOST_CONFIRMED) break;
      this.confirmed.delete(oldest);
    }
    return outcome;
  }
}
