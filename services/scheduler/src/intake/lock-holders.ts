import type { Logger } from '#libs/observability';
import type { WorkflowObject, WorkflowObjects } from '#libs/resources';
import { WorkflowExistsError, type WorkflowRepository } from '#libs/store';
import { type Clock, TransientError } from '#libs/workflow-spec';
import type { TakeoverService } from './takeover.service.js';

export interface LockHoldersPorts {
  objects: Pick<WorkflowObjects, 'holders'>;
  workflows: Pick<WorkflowRepository, 'getByUid'>;
  takeover: Pick<TakeoverService, 'confirm' | 'takeOver'>;
  clock: Clock;
  logger: Pick<Logger, 'warn' | 'info'>;
}

/** A failure is believed for so long: all who want a lock ask. */
const PAUSE_MS = 1_000;

/**
 * Sees to it, before any lock is given out, that what objects show as held is held in our tables. Where these were put back to an earlier
 * state, rows hold what was given back since, and nothing of what was taken since: the first to be put right would make room for somebody while the
 * pod of who has the lock still runs. So all that hold something are put right first, once in the life of this process and the first time that a
 * lock matters, as a database is put back while the services are stopped. States: *unsettled*, *settling*, *settled*.
 */
export class LockHolders {
  private settling: Promise<void> | undefined;
  private isFailing = false;
  private failed: { atMs: number; error: Error } | undefined;

  constructor(private readonly ports: LockHoldersPorts) {}

  /** Throws TransientError while the cluster, or the nodes of a holder, cannot be read: nobody gets a lock then. */
  settle(): Promise<void> {
    const { failed, ports } = this;
    if (failed !== undefined && ports.clock.nowMs() - failed.atMs < PAUSE_MS) return Promise.reject(failed.error);
    this.failed = undefined;
    this.settling ??= this.bringIn().catch((error: unknown) => {
      this.settling = undefined;
      if (error instanceof Error) this.fail(error);
      throw error;
    });
    return this.settling;
  }

  /** Whether locks may be given out: for those who can leave it to a later look. */
  async areKnown(): Promise<boolean> {
    try {
      await this.settle();
      return true;
    } catch (error) {
      if (error instanceof TransientError) return false;
      throw error;
    }
  }

  private fail(error: Error): void {
    const { clock, logger } = this.ports;
    if (!this.isFailing) logger.warn('no lock is given out, as not all who hold one are known', { error: error.message });
    this.isFailing = true;
    this.failed = { atMs: clock.nowMs(), error };
  }

  /** Holders of Argo's controller are no concern here: nobody who could ask is taken in before them (IntakeService). */
  private async bringIn(): Promise<void> {
    for await (const object of this.ports.objects.holders()) if (object.recordVersion !== undefined) await this.putRight(object);
    if (this.isFailing) this.ports.logger.info('all who hold a lock are known');
    this.isFailing = false;
  }

  private async putRight(object: WorkflowObject): Promise<void> {
    const { workflows, takeover } = this.ports;
    const { key, recordVersion, isDeleting } = object;
    if ((await workflows.getByUid(key.uid)) !== undefined) await takeover.confirm(key, recordVersion);
    else if (!isDeleting && (await this.takeOver(object)) === 'away')
      throw new TransientError(
        `no lock is given out while the nodes of workflow ${key.namespace}/${key.name}, which holds some, cannot be read`,
      );
  }

  /** Where another workflow has the name, that one goes first; it may need no lock to go. */
  private takeOver(object: WorkflowObject): Promise<unknown> {
    return this.ports.takeover.takeOver(object).catch((error: unknown) => {
      if (!(error instanceof WorkflowExistsError)) throw error;
    });
  }
}
