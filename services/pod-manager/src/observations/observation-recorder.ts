import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { PodObservation, PodRuntime } from '#libs/runtimes';
import type { PodStatusRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface ObservationRecorderPorts {
  podStatus: Pick<PodStatusRepository, 'record'>;
  runtime: Pick<PodRuntime, 'delete' | 'keepsStrays'>;
  queue: JobQueue;
  clock: Clock;
  host: string;
}

/**
 * Makes observations durable and tells the workflows. Crash points: before the transaction the runtime offers the observation
 * again; after it and before the hint, the scheduler's sweeper finds the inbox row. A pod that no row desires (its workflow
 * was removed, or belonged to another database) is forgotten by the runtime, unless it is the cluster's business.
 */
export class ObservationRecorder {
  constructor(private readonly ports: ObservationRecorderPorts) {}

  async record(observations: PodObservation[]): Promise<void> {
    const { podStatus, runtime, queue, clock, host } = this.ports;
    const { workflows, unknown } = await podStatus.record(observations, host, clock.nowMs());
    if (workflows.length > 0)
      await queue.wakeMany(
        WorkflowJob,
        workflows.map((workflow) => ({ workflow })),
      );
    if (runtime.keepsStrays === true) return;
    const stray = observations.filter(({ phase }) => phase !== 'Gone').map(({ identity }) => identity);
    const known = new Set(unknown.map((key) => `${key.workflowUid}/${key.nodeId}/${key.incarnation}`));
    for (const identity of stray) {
      if (known.has(`${identity.workflowUid}/${identity.nodeId}/${identity.incarnation}`)) await runtime.delete(identity);
    }
  }
}
