import type { JobOutcome } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import type { ArtifactDeletion, ArtifactDeletionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

import type { ObjectDeleter } from '../deletion/object-deleter.js';
import { retryDelayMs } from '../deletion/retry-delay.js';
import type { DeletionPlanner } from '../planning/deletion-planner.js';

/** How much one job does, and how failures are spaced. */
export interface CollectorSettings {
  /** Objects of one job; more are done by the next one, so that one workflow does not hold up the others. */
  objectsPerJob: number;
  /** Deletions under way at the same time within one job. */
  parallelDeletions: number;
  retryBaseMs: number;
  retryLongestMs: number;
}

/** What a collector works with. */
export interface CollectorPorts {
  planner: DeletionPlanner;
  deleter: ObjectDeleter;
  deletions: Pick<ArtifactDeletionRepository, 'duePage' | 'recordOutcome' | 'recordFailure'>;
  clock: Clock;
  logger: Pick<Logger, 'info' | 'warn'>;
  metrics: Metrics;
  settings: CollectorSettings;
}

/**
 * Plans one workflow's deletions and does those that are due. Crash points: after an object is deleted and before its row says
 * so, it is found gone; after a failure and before it is recorded, it is tried again at once.
 */
export class CollectorService {
  private readonly counter;

  constructor(private readonly ports: CollectorPorts) {
    this.counter = ports.metrics.counter({
      name: 'argosy_artifact_gc_objects_total',
      help: 'Objects that artifact garbage collection has come to an outcome for.',
      labelNames: ['outcome'],
    });
  }

  async collect(uid: string): Promise<JobOutcome> {
    return (await this.ports.planner.plan(uid)) ? this.deleteDue(uid) : undefined;
  }

  private async deleteDue(workflowUid: string): Promise<JobOutcome> {
    const { deletions, clock, settings } = this.ports;
    const nowMs = clock.nowMs();
    let earliestRetryMs = Number.POSITIVE_INFINITY;
    for (let done = 0; done < settings.objectsPerJob;) {
      const page = await deletions.duePage({
        workflowUid,
        nowMs,
        limit: Math.min(settings.parallelDeletions, settings.objectsPerJob - done),
      });
      if (page.length === 0) return Number.isFinite(earliestRetryMs) ? { wakeAtMs: earliestRetryMs } : undefined;
      const retries = await Promise.all(page.map((row) => this.deleteOne(row)));
      earliestRetryMs = Math.min(earliestRetryMs, ...retries);
      done += page.length;
    }
    return { again: true };
  }

  /** The time of the next try; Infinity where there is none. */
  private async deleteOne(row: ArtifactDeletion): Promise<number> {
    const { deleter, deletions, clock, logger, settings } = this.ports;
    try {
      const state = await deleter.delete(row);
      await deletions.recordOutcome(row.id, { state, nowMs: clock.nowMs() });
      this.counter.add(1, { outcome: state });
      return Number.POSITIVE_INFINITY;
    } catch (error) {
      const bounds = { baseMs: settings.retryBaseMs, longestMs: settings.retryLongestMs };
      const nextTryAtMs = clock.nowMs() + Math.max(1, retryDelayMs(row.attempts, bounds));
      const text = error instanceof Error ? error.message : String(error);
      await deletions.recordFailure(row.id, { error: text, nextTryAtMs });
      this.counter.add(1, { outcome: 'failed' });
      logger.warn('artifact could not be deleted, will be tried again', {
        workflow: row.workflowUid,
        namespace: row.namespace,
        node: row.nodeId,
        artifact: row.artifactName,
        attempts: row.attempts + 1,
        error: text,
      });
      return nextTryAtMs;
    }
  }
}
