import { ArchiveJob, ArtifactGcJob, type JobQueue, PodJob, RecordJob, WorkflowJob } from '#libs/jobs';
import type { HandoffQueue } from '#libs/store';
import { bucketOf, type PodChanges } from './pod-rows.js';

/** What a commit changed, as far as others have to look at it. */
export interface CommittedChange {
  uid: string;
  pods: PodChanges;
  handoffs: readonly HandoffQueue[];
  /** Whether readers of the workflow can see a difference. */
  visible: boolean;
}

/**
 * Sends the hints that follow a commit. Nothing here is needed for correctness: what is lost is found by the sweepers of the
 * queues' owners, so no hint is awaited longer than the queue's own bounded wait.
 */
export class CommandDispatcher {
  constructor(private readonly queue: JobQueue) {}

  async committed({ uid, pods, handoffs, visible }: CommittedChange): Promise<void> {
    const buckets = new Set([...pods.inserts.map(({ bucket }) => bucket), ...pods.changes.map(({ nodeId }) => bucketOf(nodeId))]);
    const podHints = [...buckets].map((bucket) => ({ workflow: uid, bucket }));
    const hints: Promise<void>[] = [];
    if (podHints.length > 0) hints.push(this.queue.wakeMany(PodJob, podHints));
    if (visible) hints.push(this.queue.wake(RecordJob, { workflow: uid }));
    if (handoffs.includes('archive')) hints.push(this.queue.wake(ArchiveJob, { workflow: uid }));
    if (handoffs.includes('artifact-gc')) hints.push(this.queue.wake(ArtifactGcJob, { workflow: uid }));
    await Promise.all(hints);
  }

  /** Other workflows found something in their inbox: a lock, or that they may run. */
  async told(uids: readonly string[]): Promise<void> {
    await this.queue.wakeMany(
      WorkflowJob,
      uids.map((workflow) => ({ workflow })),
    );
  }

  /** The workflow is on its way out: its pods, its record and its artifacts have owners of their own. */
  async deleting(uid: string, buckets: readonly number[]): Promise<void> {
    await Promise.all([
      this.queue.wakeMany(
        PodJob,
        buckets.map((bucket) => ({ workflow: uid, bucket })),
      ),
      this.queue.wake(ArtifactGcJob, { workflow: uid }),
    ]);
  }

  /** A finished workflow is not in the archive yet. */
  async archiving(uid: string): Promise<void> {
    await this.queue.wake(ArchiveJob, { workflow: uid });
  }
}
