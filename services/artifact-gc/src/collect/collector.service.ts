import { type JobOutcome, type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger, Metrics } from '#libs/observability';
import type { ArtifactDeletionRepository, DeletionResult, InboxRepository, WorkflowGcFacts } from '#libs/store';
import { type Clock, TransientError } from '#libs/workflow-spec';

import type { DeletionOutcome, ObjectDeleter } from '../deletion/object-deleter.js';
import { retryDelayMs } from '../deletion/retry-delay.js';
import type { DeletionPlanner } from '../planning/deletion-planner.js';
import { dueStrategies } from '../planning/effective-strategy.js';

/** How much one job does, and how failures are spaced. */
export interface CollectorSettings {
  /** Objects of one job; more are done by the next one, so that one workflow does not hold up the others. */
  objectsPerJob: number;
  /** Requests to one store under way at the same time within one job. */
  parallelDeletions: number;
  retryBaseMs: number;
  retryLongestMs: number;
}

/** What a collector works with. */
export interface CollectorPorts {
  planner: DeletionPlanner;
  deleter: ObjectDeleter;
  deletions: Pick<ArtifactDeletionRepository, 'duePage' | 'nextTryAtMs' | 'recordResults' | 'firstFailure'>;
  inbox: Pick<InboxRepository, 'insertMany'>;
  queue: Pick<JobQueue, 'wake'>;
  clock: Clock;
  logger: Pick<Logger, 'info' | 'warn'>;
  metrics: Metrics;
  settings: CollectorSettings;
}

/** Rows that are in memory at the same time. */
const ROWS_PER_PAGE = 500;
/** With `forceFinalizerRemoval`, a store that is away is asked this often after its workflow was deleted; one that refuses, once. */
const FORCED_ATTEMPTS = 5;

/**
 * Plans one workflow's deletions and does those that are due. Crash points: after an object is deleted and before its row says
 * so, it is found gone; after a failure and before it is recorded, it is tried again at once.
 */
export class CollectorService {
  private readonly counter;

  constructor(private readonly ports: CollectorPorts) {
    this.counter = ports.metrics.counter({
      name: 'argosy_artifact_gc_objects_total',
      help: 'Objects that artifact garbage collection has come to an outcome for, and tries that failed.',
      labelNames: ['outcome'],
    });
  }

  async collect(uid: string): Promise<JobOutcome> {
    const { facts, isPending } = await this.ports.planner.plan(uid);
    if (!isPending) return undefined;
    const outcome = await this.deleteDue(uid, facts);
    if (facts !== undefined) await this.report(facts);
    return outcome;
  }

  private async deleteDue(workflowUid: string, facts: WorkflowGcFacts | undefined): Promise<JobOutcome> {
    const { deletions, deleter, clock, settings } = this.ports;
    let afterId = 0;
    for (let done = 0; done < settings.objectsPerJob;) {
      const limit = Math.min(ROWS_PER_PAGE, settings.objectsPerJob - done);
      const page = await deletions.duePage({ workflowUid, nowMs: clock.nowMs(), afterId, limit });
      if (page.length === 0) {
        // Also of what this job did not look at: its own wake-up may have become this one.
        const wakeAtMs = await deletions.nextTryAtMs(workflowUid);
        return wakeAtMs === undefined ? undefined : { wakeAtMs };
      }
      const outcomes = await deleter.delete(page);
      const results = outcomes.map((outcome) => this.resultOf(outcome, facts === undefined || facts.deletedAtMs !== null));
      await deletions.recordResults(results, clock.nowMs());
      this.count(outcomes, results);
      afterId = page.at(-1)?.id ?? afterId;
      done += page.length;
    }
    return { again: true };
  }

  private resultOf(outcome: DeletionOutcome, isWorkflowGone: boolean): DeletionResult {
    const { row } = outcome;
    if ('state' in outcome) return { id: row.id, state: outcome.state };
    const { settings, clock } = this.ports;
    const error = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    const isHopeless = !(outcome.error instanceof TransientError) || row.attempts + 1 >= FORCED_ATTEMPTS;
    if (row.giveUp && isWorkflowGone && outcome.attempted && isHopeless) return { id: row.id, state: 'abandoned', error };
    const delayMs = retryDelayMs(row.attempts, { baseMs: settings.retryBaseMs, longestMs: settings.retryLongestMs });
    return {
      id: row.id,
      state: 'pending',
      error,
      attempted: outcome.attempted,
      nextTryAtMs: clock.nowMs() + Math.max(1, delayMs),
    };
  }

  private count(outcomes: readonly DeletionOutcome[], results: readonly DeletionResult[]): void {
    for (const { state } of results) this.counter.add(1, { outcome: state === 'pending' ? 'failed' : state });
    const failed = outcomes.filter((outcome) => 'error' in outcome);
    const [first] = failed;
    if (first === undefined) return;
    const { workflowUid, namespace, nodeId, artifactName, attempts } = first.row;
    this.ports.logger.warn('ArtifactGCFailed: artifacts could not be deleted', {
      ...{
        workflow: workflowUid,
        namespace,
        node: nodeId,
        artifact: artifactName,
        attempts: attempts + 1,
        objects: failed.length,
      },
      error: first.error instanceof Error ? first.error.message : String(first.error),
      abandoned: results.filter(({ state }) => state === 'abandoned').length,
    });
  }

  /** Says what a workflow's status does not say yet: that a strategy was carried out, or what fails, or that nothing fails any more. */
  private async report(facts: WorkflowGcFacts): Promise<void> {
    if (facts.deletedAtMs !== null) return;
    const { deletions, inbox, queue, clock } = this.ports;
    const failure = await deletions.firstFailure(facts.uid);
    // Argo's words.
    const error =
      failure === undefined
        ? undefined
        : `Artifact Garbage Collection failed for strategy ${failure.strategy}, err:${failure.error}`;
    const strategies = dueStrategies(facts);
    const { reported } = facts;
    if (reported.error === error && strategies.every((strategy) => reported.strategies.includes(strategy))) return;
    const entry = {
      workflow: facts.uid,
      kind: 'artifactGc',
      report: { strategies, ...(error === undefined ? {} : { error }) },
    } as const;
    await inbox.insertMany([entry], clock.nowMs());
    await queue.wake(WorkflowJob, { workflow: facts.uid });
  }
}
